/**
 * @file The pre-tokenizer of a tokenizer.json: a text to pieces, as Python's `tokenizers` does it.
 */

import { z } from 'zod'
import { bytesAsCharacters } from './byte-characters.ts'
import { patternSchema, unknownPart } from './normalizers.ts'
import { filePattern, type Pattern, plainPattern } from './patterns.ts'
import { scriptPieces } from './scripts.ts'
import { PUNCTUATION } from './unicode.ts'

/** A part of a text that is tokenized on its own. */
interface Piece {
  text: string
  /** True where it begins the whole text. */
  first: boolean
}

/** Cuts pieces further; none of the results is empty. Pieces are made while they are read. */
export type PreTokenizer = (pieces: Iterable<Piece>) => Iterable<Piece>

const behavior = z.enum(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'])
type Behavior = z.infer<typeof behavior>

const schema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ByteLevel'),
    add_prefix_space: z.boolean(),
    use_regex: z.boolean().default(true),
  }),
  z.object({ type: z.literal('Digits'), individual_digits: z.boolean() }),
  z.object({ type: z.literal('Punctuation'), behavior: behavior.default('Isolated') }),
  z.object({ type: z.literal('Split'), pattern: patternSchema, behavior, invert: z.boolean() }),
  z.object({ type: z.enum(['Whitespace', 'WhitespaceSplit', 'BertPreTokenizer', 'UnicodeScripts']) }),
  z.object({ type: z.literal('CharDelimiterSplit'), delimiter: z.string() }),
  z.object({ type: z.literal('FixedLength'), length: z.int().min(1).default(5) }),
  z.object({ type: z.literal('Sequence'), pretokenizers: z.array(z.unknown()) }),
  z
    .object({
      type: z.literal('Metaspace'),
      replacement: z.string(),
      prepend_scheme: z.enum(['first', 'never', 'always']).default('always'),
      add_prefix_space: z.boolean().nullish(),
      split: z.boolean().default(true),
    })
    .refine(
      ({ prepend_scheme, add_prefix_space }) => add_prefix_space !== false || prepend_scheme === 'never',
      'add_prefix_space contradicts prepend_scheme',
    ),
])

/** GPT-2's pattern; `\s` as Unicode has it. */
const BYTE_LEVEL =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu
const WORD_CHARACTER = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}'

/**
 * @param config the `pre_tokenizer` of a tokenizer.json; null and undefined leave a text whole
 * @param where  for messages: the file
 * @throws TextError `text/tokenizer` for a kind or setting that we do not know
 */
export function createPreTokenizer(config: unknown, where: string): PreTokenizer {
  if (config === null || config === undefined) return (pieces) => pieces
  const parsed = schema.safeParse(config)
  if (!parsed.success) throw unknownPart('pre-tokenizer', config, where, parsed.error)
  const { data } = parsed
  switch (data.type) {
    case 'ByteLevel':
      return byteLevel(data.add_prefix_space, data.use_regex)
    case 'Digits':
      return splitter(/\p{N}/gu, data.individual_digits ? 'Isolated' : 'Contiguous')
    case 'Punctuation':
      return splitter(new RegExp(PUNCTUATION, 'gu'), data.behavior)
    case 'Split':
      return split(filePattern(data.pattern, where), data.behavior, data.invert)
    case 'Whitespace':
      return split(
        plainPattern(new RegExp(`[${WORD_CHARACTER}]+|[^${WORD_CHARACTER}\\p{White_Space}]+`, 'gu')),
        'Removed',
        true,
      )
    case 'WhitespaceSplit':
      return splitter(/\p{White_Space}/gu, 'Removed')
    case 'BertPreTokenizer':
      return inTurn([
        splitter(/\p{White_Space}/gu, 'Removed'),
        splitter(new RegExp(PUNCTUATION, 'gu'), 'Isolated'),
      ])
    case 'UnicodeScripts':
      return eachPiece(scriptPieces)
    case 'CharDelimiterSplit':
      return split(filePattern({ String: data.delimiter }, where), 'Removed', false)
    case 'FixedLength':
      return eachPiece((text) => fixedLength(text, data.length))
    case 'Sequence':
      return inTurn(data.pretokenizers.map((part) => createPreTokenizer(part, where)))
    case 'Metaspace':
      return metaspace(data.replacement, data.prepend_scheme, data.split, where)
  }
}

function inTurn(parts: readonly PreTokenizer[]): PreTokenizer {
  return (pieces) => parts.reduce((made, part) => part(made), pieces)
}

function splitter(expression: RegExp, how: Behavior): PreTokenizer {
  return split(plainPattern(expression), how, false)
}

function eachPiece(cut: (text: string) => Iterable<string>): PreTokenizer {
  return function* (pieces) {
    for (const piece of pieces) {
      let { first } = piece
      for (const text of cut(piece.text)) {
        if (text !== '') yield { text, first }
        first = false
      }
    }
  }
}

/** @param invert the pattern says what lies between the delimiters */
function split(pattern: Pattern, how: Behavior, invert: boolean): PreTokenizer {
  return eachPiece((text) => cut(text, pattern, how, invert))
}

/** A stretch of a text: a delimiter, or what lies between two of them. */
type Span = readonly [start: number, end: number, delimiter: boolean]

function* cut(text: string, pattern: Pattern, how: Behavior, invert: boolean): Generator<string> {
  let held: Span | undefined
  for (const span of spans(text, pattern, invert)) {
    const [start, end, delimiter] = span
    if (how === 'Isolated' || how === 'Removed') {
      if (how === 'Isolated' || !delimiter) yield text.slice(start, end)
    } else if (held === undefined) {
      held = span
    } else if (joins(how, held, span)) {
      // Both ends of the joined stretch count as those of its last part.
      held = [held[0], end, how === 'MergedWithPrevious' ? true : delimiter]
    } else {
      yield text.slice(held[0], held[1])
      held = span
    }
  }
  if (held !== undefined) yield text.slice(held[0], held[1])
}

function joins(how: Behavior, held: Span, next: Span): boolean {
  if (how === 'Contiguous') return held[2] === next[2]
  if (how === 'MergedWithPrevious') return !held[2] && next[2]
  return held[2] && !next[2]
}

function* spans(text: string, pattern: Pattern, invert: boolean): Generator<Span> {
  let from = 0
  for (const [start, end] of pattern.matches(text)) {
    if (start > from) yield [from, start, invert]
    yield [start, end, !invert]
    from = end
  }
  if (from < text.length) yield [from, text.length, invert]
}

function byteLevel(prefix: boolean, useRegex: boolean): PreTokenizer {
  const pattern = plainPattern(BYTE_LEVEL)
  return function* (pieces) {
    for (const { text, first } of pieces) {
      const whole = prefix && !text.startsWith(' ') ? ` ${text}` : text
      if (!useRegex) {
        yield { text: bytesAsCharacters(whole), first }
        continue
      }
      for (const [start, end] of pattern.matches(whole))
        yield { text: bytesAsCharacters(whole.slice(start, end)), first: first && start === 0 }
    }
  }
}

function metaspace(
  replacement: string,
  scheme: 'first' | 'never' | 'always',
  splits: boolean,
  where: string,
): PreTokenizer {
  const words = split(filePattern({ String: replacement }, where), 'MergedWithNext', false)
  const marked: PreTokenizer = function* (pieces) {
    for (const { text, first } of pieces) {
      const joined = text.replaceAll(' ', () => replacement)
      const wanted = scheme === 'always' || (scheme === 'first' && first)
      yield { text: wanted && !joined.startsWith(replacement) ? replacement + joined : joined, first }
    }
  }
  return splits ? (pieces) => words(marked(pieces)) : marked
}

function* fixedLength(text: string, length: number): Generator<string> {
  let [piece, count] = ['', 0]
  for (const char of text) {
    piece += char
    if (++count < length) continue
    yield piece
    piece = ''
    count = 0
  }
  yield piece
}
