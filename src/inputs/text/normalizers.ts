/**
 * @file The normalizer of a tokenizer.json, as Python's `tokenizers` 0.22 does it. JavaScript's own
 * functions differ: `toLowerCase` knows the end of a word, `trim` removes U+FEFF.
 */

import { z } from 'zod'
import { bytesAsCharacters } from './byte-characters.ts'
import { TextError } from './errors.ts'
import { filePattern } from './patterns.ts'
import { precompiledNormalizer } from './precompiled.ts'
import { COMBINING_MARKS, CONTROLS, NONSPACING_MARKS, withOldDecompositions } from './unicode.ts'

/** Text to text. */
export type Normalizer = (text: string) => string

export const patternSchema = z.union([
  z.strictObject({ Regex: z.string() }),
  z.strictObject({ String: z.string() }),
])

const form = z.enum(['NFC', 'NFD', 'NFKC', 'NFKD'])
const schema = z.discriminatedUnion('type', [
  z.object({ type: form }),
  z.object({ type: z.enum(['Lowercase', 'StripAccents', 'Nmt', 'ByteLevel']) }),
  z.object({ type: z.literal('Strip'), strip_left: z.boolean(), strip_right: z.boolean() }),
  z.object({ type: z.literal('Prepend'), prepend: z.string() }),
  z.object({ type: z.literal('Replace'), pattern: patternSchema, content: z.string() }),
  z.object({ type: z.literal('Precompiled'), precompiled_charsmap: z.string() }),
  z.object({ type: z.literal('Sequence'), normalizers: z.array(z.unknown()) }),
  z.object({
    type: z.literal('BertNormalizer'),
    clean_text: z.boolean(),
    handle_chinese_chars: z.boolean(),
    strip_accents: z.boolean().nullish(),
    lowercase: z.boolean(),
  }),
])

/**
 * @param config the `normalizer` of a tokenizer.json; null and undefined leave a text as it is
 * @param where  for messages: the file
 * @throws TextError `text/tokenizer` for a kind or setting that we do not know
 */
export function createNormalizer(config: unknown, where: string): Normalizer {
  if (config === null || config === undefined) return (text) => text
  const parsed = schema.safeParse(config)
  if (!parsed.success) throw unknownPart('normalizer', config, where, parsed.error)
  const { data } = parsed
  switch (data.type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return unicodeForm(data.type)
    case 'Lowercase':
      return lowercase
    case 'StripAccents':
      return (text) => text.replace(COMBINING_MARKS, '')
    case 'Nmt':
      return nmt
    case 'ByteLevel':
      return bytesAsCharacters
    case 'Strip':
      return (text) => strip(text, data.strip_left, data.strip_right)
    case 'Prepend':
      return (text) => (text === '' ? text : data.prepend + text)
    case 'Replace': {
      const pattern = filePattern(data.pattern, where)
      return (text) => pattern.replaced(text, data.content)
    }
    case 'Precompiled':
      return precompiledNormalizer(data.precompiled_charsmap, where)
    case 'Sequence': {
      const parts = data.normalizers.map((part) => createNormalizer(part, where))
      return (text) => parts.reduce((made, part) => part(made), text)
    }
    case 'BertNormalizer':
      return bert(data)
  }
}

/** Python's tables are those of Unicode 9: characters that decompose since later stay whole. */
function unicodeForm(name: z.infer<typeof form>): Normalizer {
  return (text) => withOldDecompositions(text, (part) => part.normalize(name))
}

/** Character by character: a capital sigma becomes σ, also at the end of a word. */
function lowercase(text: string): string {
  return text.replaceAll('Σ', 'σ').toLowerCase()
}

/** Unicode's White_Space, which has U+0085 and lacks U+FEFF. */
export function strip(text: string, left: boolean, right: boolean): string {
  const from = left ? text.search(/\P{White_Space}/u) : 0
  if (from < 0) return ''
  let end = text.length
  while (right && end > from && /\p{White_Space}/u.test(text[end - 1]!)) end--
  return text.slice(from, end)
}

function nmt(text: string): string {
  return text
    .replace(/\p{Cc}/gu, (char) => (/[\t\n\f\r]/.test(char) ? ' ' : isRemovedByNmt(char) ? '' : char))
    .replace(/[\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, ' ')
}

function isRemovedByNmt(control: string): boolean {
  const code = control.charCodeAt(0)
  return (code > 0 && code <= 0x1f) || [0x7f, 0x8f, 0x9f].includes(code)
}

interface BertSettings {
  clean_text: boolean
  handle_chinese_chars: boolean
  strip_accents?: boolean | null | undefined
  lowercase: boolean
}

function bert(settings: BertSettings): Normalizer {
  const accents = settings.strip_accents ?? settings.lowercase
  return (text) => {
    let out = text
    if (settings.clean_text) {
      out = out.replace(CONTROLS, (char) => (/[\t\n\r]/.test(char) ? char : ''))
      out = out.replace(/\p{White_Space}/gu, ' ')
    }
    if (settings.handle_chinese_chars) out = out.replace(CHINESE, ' $& ')
    if (accents)
      out = withOldDecompositions(out, (part) => part.normalize('NFD')).replace(NONSPACING_MARKS, '')
    return settings.lowercase ? lowercase(out) : out
  }
}

const CHINESE =
  /[\u{4e00}-\u{9fff}\u{3400}-\u{4dbf}\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{f900}-\u{faff}\u{2f800}-\u{2fa1f}]/gu

/** A part of a tokenizer.json whose kind or settings we do not know. */
export function unknownPart(part: string, config: unknown, where: string, error: z.ZodError): TextError {
  const issue = error.issues[0]
  const at =
    issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')}: ${issue.message})`
  return new TextError('tokenizer', {
    message: `${where}: the ${part} ${JSON.stringify(config)?.slice(0, 120)} is of an unknown form${at}`,
    hint: 'Is tokenizer.json complete and from the same repository as the weights?',
  })
}
