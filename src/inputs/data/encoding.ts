/** @file Recognises files that are no text in UTF-8, and says how to make them so. */

import { ItemError } from './errors.ts'

interface Guess {
  what: string
  hint: string
}

const PICTURE: Guess = {
  what: 'a picture',
  hint: 'Embed one picture with --image, and a folder of pictures with --input FOLDER.',
}
const PACKED = (kind: string, tool: string): Guess => ({
  what: `a file packed by ${kind}`,
  hint: `Unpack it first: ${tool}`,
})

const UTF16: Guess = { what: 'UTF-16', hint: 'Convert the file: iconv -f UTF-16 -t UTF-8' }

/** Files by their first bytes, one character each. */
const STARTS: readonly (readonly [string, Guess])[] = [
  ['\x1f\x8b', PACKED('gzip', 'gunzip FILE')],
  ['\x28\xb5\x2f\xfd', PACKED('zstd', 'zstd -d FILE')],
  ['\xfd7zXZ', PACKED('xz', 'xz -d FILE')],
  [
    'PK\x03\x04',
    {
      what: 'a zip archive, as spreadsheets are',
      hint: 'Export the spreadsheet as CSV, or unpack the archive.',
    },
  ],
  ['PAR1\x15', { what: 'a Parquet file', hint: 'Let its name end with .parquet.' }],
  [
    'ARROW1',
    { what: 'an Arrow file', hint: 'Write it as a Parquet file; in pandas: table.to_parquet(...).' },
  ],
  ['\x89PNG', PICTURE],
  ['\xff\xd8\xff', PICTURE],
  ['\xff\xfe', UTF16],
  ['\xfe\xff', UTF16],
]
/** No start is longer. */
const START = 8

/** The kind of a file by its first bytes; undefined where it may be text in UTF-8. */
function guessed(bytes: Uint8Array): Guess | undefined {
  const start = Buffer.from(bytes.subarray(0, START)).toString('latin1')
  return STARTS.find(([known]) => start.startsWith(known))?.[1]
}

/**
 * Whether a text begins with the byte order mark of UTF-16LE. Spreadsheets write tables in this
 * encoding.
 */
export function isLittleEndian([first, second]: Uint8Array): boolean {
  return first === 0xff && second === 0xfe
}

/**
 * Checks the first bytes of a file of text.
 * @throws ItemError `data/table` for a packed file, a picture, UTF-16
 */
export function checkStart(start: Uint8Array, name: string): void {
  const guess = guessed(start)
  if (guess === undefined) return
  throw new ItemError('table', {
    message: `${name}: expected text in UTF-8, got ${guess.what}`,
    hint: guess.hint,
  })
}

/**
 * @param code of a line alone, or of the whole table
 * @param bytes of the line
 */
export function encodingError(
  code: 'line' | 'table',
  bytes: Uint8Array,
  name: string,
  line: number,
): ItemError {
  const zeros: Guess = {
    what: 'zero bytes, as UTF-16 without its mark has',
    hint: 'Convert the file; from UTF-16: iconv -f UTF-16LE -t UTF-8',
  }
  const other: Guess = {
    what: 'bytes of another encoding',
    hint: 'Convert the file; from Latin-1: iconv -f LATIN1 -t UTF-8',
  }
  const { what, hint } = guessed(bytes) ?? (bytes.includes(0) ? zeros : other)
  return new ItemError(code, { message: `${name}, line ${line}: expected UTF-8, got ${what}`, hint })
}
