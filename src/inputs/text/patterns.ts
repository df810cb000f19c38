/** @file Regular expressions of tokenizer files: Oniguruma's syntax, run with a time limit. */

import { createContext, Script } from 'node:vm'
import { toRegExp } from 'oniguruma-to-es'
import { TextError } from './errors.ts'

/** Finds the matches of one expression. */
export interface Pattern {
  /** Start and end of each match, from left to right, found while they are read. */
  matches(text: string): Iterable<readonly [start: number, end: number]>
  /** The text with `content` in the place of each match. */
  replaced(text: string, content: string): string
}

/**
 * Expressions of published tokenizers that need linear time, so that no clock has to watch them.
 * A watched search costs about 0.15 ms more.
 */
const LINEAR: ReadonlySet<string> = new Set([
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
  '\\s+',
  '[!\\"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]',
])

/** True for an expression of a published tokenizer that is known to need linear time. */
export function isLinear(source: string): boolean {
  return LINEAR.has(source)
}

/** Oniguruma's `\w` is narrower inside brackets, by six characters. */
const WORD_IN_CLASS = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}'
const WORD = `[${WORD_IN_CLASS}\\x{B2}\\x{B3}\\x{B9}\\x{BC}-\\x{BE}]`
const NO_WORD = WORD.replace('[', '[^')

/** Milliseconds that one search may take, whatever the length of the text. */
const TIME_LIMIT = 2000
/** Longer texts get one millisecond more for each thousand characters. */
const CHARACTERS_PER_MS = 1000
/** Shorter texts end soon with any expression. */
const SHORT = 16
/** Matches that are found at one go. */
const BATCH = 1024

/** An expression of our own, without syntax of Oniguruma and known to be linear. */
export function plainPattern(source: RegExp): Pattern {
  return patternOf(source, (work) => work())
}

/**
 * An expression of a file.
 * @param where for messages: the file
 * @throws TextError `text/tokenizer` for an expression that JavaScript cannot follow exactly, and
 *   `text/pattern` from `matches` where a search does not come to an end
 */
export function filePattern(pattern: { Regex: string } | { String: string }, where: string): Pattern {
  if ('String' in pattern) {
    const { String: words } = pattern
    const plain = plainPattern(new RegExp(escaped(words), 'gu'))
    return { ...plain, replaced: (text, content) => text.split(words).join(content) }
  }
  const source = pattern.Regex
  const expression = translate(source, where)
  const clock: Clock = isLinear(source) ? (work) => work() : timed(source, where)
  return patternOf(expression, (work, characters) => {
    try {
      return clock(work, characters)
    } catch (cause) {
      // A search that keeps millions of places to come back to has no room for more.
      if (!(cause instanceof RangeError)) throw cause
      throw patternError(source, where, `has no room for a text of ${characters} characters`, cause)
    }
  })
}

function translate(source: string, where: string): RegExp {
  const plain = withBothCases(withOnigurumaWords(source))
  if (/\(\?[a-z]*i/.test(plain))
    throw untranslatable(source, where, 'it ignores case beside sets of characters')
  try {
    return toRegExp(plain, { global: true })
  } catch (cause) {
    throw untranslatable(source, where, cause instanceof Error ? cause.message : String(cause))
  }
}

function untranslatable(source: string, where: string, reason: string): TextError {
  return new TextError('tokenizer', {
    message: `${where}: the regular expression ${JSON.stringify(source)} cannot be used: ${reason}`,
    hint: 'Is tokenizer.json complete and from the same repository as the weights?',
  })
}

/** Writes `\w`, `\W`, `\b` and `\B` out as the sets of Oniguruma. */
function withOnigurumaWords(source: string): string {
  const boundary = (inside: string, outside: string) =>
    `(?:(?<=${WORD})${inside}${WORD})|(?<!${WORD})${outside}${WORD}))`
  let out = ''
  let depth = 0
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!
    if (char === '\\') {
      const next = source[++at] ?? ''
      if (next === 'w') out += depth > 0 ? WORD_IN_CLASS : WORD
      else if (next === 'W') out += depth > 0 ? `[^${WORD_IN_CLASS}]` : NO_WORD
      else if (next === 'b' && depth === 0) out += boundary('(?!', '(?=')
      else if (next === 'B' && depth === 0) out += boundary('(?=', '(?!')
      else out += char + next
      continue
    }
    if (char === '[') depth++
    if (char === ']' && depth > 0) depth--
    out += char
  }
  return out
}

/**
 * Writes groups such as `(?i:'s|'ll)` out: `'[sSſ]|'[lL][lL]`. The flag `i` of JavaScript would
 * change the sets of characters of the whole expression, and add U+0345 to `\p{L}`.
 */
function withBothCases(source: string): string {
  return source.replace(/\(\?i:([\w' |[\]]*)\)/g, (_, inside: string) => {
    let depth = 0
    const both = inside.replace(/./g, (char) => {
      if (char === '[') depth++
      if (char === ']') depth--
      if (!/[a-z]/i.test(char)) return char
      const forms = char.toLowerCase() + char.toUpperCase() + (FOLDED.get(char.toLowerCase()) ?? '')
      return depth > 0 ? forms : `[${forms}]`
    })
    return `(?:${both})`
  })
}

/** Characters beyond ASCII that differ from a letter of it in nothing but case. */
const FOLDED: ReadonlyMap<string, string> = new Map([
  ['s', '\u017f'],
  ['k', '\u212a'],
])

type Clock = <T>(work: () => T, characters: number) => T

function patternOf(expression: RegExp, clock: Clock): Pattern {
  return {
    replaced: (text, content) =>
      clock(() => text.replace(expression, content.replaceAll('$', '$$$$')), text.length),
    *matches(text) {
      let from = 0
      for (let more = true; more; ) {
        const found = clock(() => {
          const batch: [number, number][] = []
          expression.lastIndex = from
          while (batch.length < BATCH) {
            const match = expression.exec(text)
            if (match === null) break
            const end = match.index + match[0].length
            batch.push([match.index, end])
            // An empty match would be found again.
            if (match[0] === '') expression.lastIndex = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1)
            if (expression.lastIndex > text.length) break
          }
          more = batch.length === BATCH
          from = expression.lastIndex
          return batch
        }, text.length)
        yield* found
      }
    },
  }
}

/**
 * JavaScript has no time limit for a regular expression, but Node can stop a script, also within a
 * search.
 */
function timed(source: string, where: string): Clock {
  const script = new Script('work()')
  const context: { work?: () => void } = {}
  let ready = false
  return (work, characters) => {
    if (characters <= SHORT) return work()
    if (!ready) createContext(context)
    ready = true
    const made: ReturnType<typeof work>[] = []
    context.work = () => {
      made.push(work())
    }
    const timeout = TIME_LIMIT + Math.floor(characters / CHARACTERS_PER_MS)
    try {
      script.runInContext(context, { timeout })
    } catch (cause) {
      if (!isTimeout(cause)) throw cause
      throw patternError(
        source,
        where,
        `takes more than ${timeout} ms on a text of ${characters} characters`,
        cause,
      )
    } finally {
      context.work = undefined
    }
    return made[0]!
  }
}

/** The error may be one of another realm, so that it is no `Error` here. */
function isTimeout(cause: unknown): boolean {
  return (
    typeof cause === 'object' &&
    cause !== null &&
    'code' in cause &&
    cause.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
  )
}

function patternError(source: string, where: string, problem: string, cause: unknown): TextError {
  return new TextError('pattern', {
    message: `${where}: the regular expression ${JSON.stringify(source)} ${problem}`,
    hint: 'Shorten the text. If it is short already, compare tokenizer.json with the published file: its expression is of a kind that does not come to an end.',
    cause,
  })
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
