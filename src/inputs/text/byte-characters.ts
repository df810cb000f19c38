/** @file Bytes as printable characters, as GPT-2's byte-level vocabularies write them. */

/** Characters that stand for themselves: printable, and no space. */
const PLAIN = /^[!-~]*$/

/** Up to this many bytes, adding characters one by one is the faster way. */
const SHORT = 256

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-16le')
const characters = byteCharacters()
const codes = characters.map((char) => char.charCodeAt(0))

/** The UTF-8 bytes of a text, each as its character: `é` becomes `Ã©`, a space `Ġ`. */
export function bytesAsCharacters(text: string): string {
  if (PLAIN.test(text)) return text
  const bytes = encoder.encode(text)
  if (bytes.length > SHORT) return decoder.decode(Uint16Array.from(bytes, (byte) => codes[byte]!))
  let out = ''
  for (const byte of bytes) out += characters[byte]!
  return out
}

/** The character of each byte: itself where it is printable, else the next one from U+0100 on. */
function byteCharacters(): readonly string[] {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
    return String.fromCharCode(printable ? byte : next++)
  })
}
