/**
 * @file House rules that neither the formatter nor the linter holds: widths, lengths, words. Rules
 * that old code breaks have a number or a list here, which may only shrink.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const COMMENT_WIDTH = 100
const CODE_WIDTH = 120
const FEWER_WIDE_LINES = 150
const TEST_LINES = 300

/** Tests of more lines than `TEST_LINES`. Split a file by subject rather than add it. */
const LONG_TESTS: readonly string[] = []

interface Line {
  path: string
  number: number
  text: string
}

/** Files that git tracks or would track, without those that a program wrote. */
function files(...patterns: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', ...patterns], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  return [...new Set(listed.split('\n'))].filter(
    (path) => path !== '' && !path.includes('/generated/') && existsSync(join(root, path)),
  )
}

const linesOf = (path: string): Line[] =>
  readFileSync(join(root, path), 'utf8')
    .split('\n')
    .map((text, i) => ({ path, number: i + 1, text }))

const shown = ({ path, number, text }: Line) => `${path}:${number}: ${text.trim().slice(0, 120)}`
const lengthOf = (text: string) => Array.from(text).length
const isTest = (path: string) => path.endsWith('.test.ts')

// In patterns of git, * stands for folders too.
const code = files('src/*.ts', 'test/*.ts', 'scripts/*.ts', 'bench/*.ts')
const lines = code.flatMap(linesOf)
/** Lines of the library alone. */
const sources = lines.filter(({ path }) => path.startsWith('src/') && !isTest(path))

const isComment = ({ text }: Line) => /^\s*(\/\/|\/\*|\*( |\/|$))/.test(text)
/** Whether a line holds one word that nobody can break: an address, a long name. */
const isUnbreakable = ({ text }: Line) =>
  text.replace(/^\s*(\/\/|\/\*\*?|\*)?\s*/, '').split(/\s+/).length === 1

describe('comments', () => {
  test(`are at most ${COMMENT_WIDTH} characters wide`, () => {
    const wide = lines.filter(
      (line) => isComment(line) && lengthOf(line.text) > COMMENT_WIDTH && !isUnbreakable(line),
    )
    expect(wide.map(shown)).toEqual([])
  })

  test('name the actor or the thing first, not "What …" or "Who …"', () => {
    const riddle = /^\s*(\*|\/\/|\/\*\*)\s+(@file )?(What|Who|Whoever|Whatever)\b/
    expect(lines.filter(({ text }) => riddle.test(text)).map(shown)).toEqual([])
  })

  test('leave nothing for later', () => {
    expect(sources.filter(({ text }) => /\b(TODO|FIXME|XXX)\b/.test(text)).map(shown)).toEqual([])
  })
})

describe('code', () => {
  test(`fewer than ${FEWER_WIDE_LINES} lines of src are wider than ${CODE_WIDTH} columns`, () => {
    const wide = sources.filter(({ text }) => lengthOf(text) > CODE_WIDTH)
    expect(wide.length, `${wide.length} lines:\n${wide.map(shown).join('\n')}`).toBeLessThan(FEWER_WIDE_LINES)
  })

  test('casts to any, or past the compiler, only at the boundary to ONNX Runtime', () => {
    const cast = /\bas any\b|: any\b|\bas unknown as\b/
    const silenced = /@ts-(ignore|nocheck|expect-error)/
    const found = sources.filter(
      (line) =>
        !line.path.startsWith('src/engine/runtime/') &&
        ((!isComment(line) && cast.test(line.text)) || silenced.test(line.text)),
    )
    expect(found.map(shown)).toEqual([])
  })
})

describe('tests', () => {
  test(`have at most ${TEST_LINES} lines, but for a list that may only shrink`, () => {
    const long = code.filter((path) => isTest(path) && linesOf(path).length - 1 > TEST_LINES)
    expect(long.sort()).toEqual([...LONG_TESTS].sort())
  })

  test('are all switched on', () => {
    // One test writes programs that skip, for the reporter to count.
    const tests = lines.filter(({ path }) => isTest(path) && path !== 'test/skipped-reporter.test.ts')
    const off = /^\s*(it|test|describe)\.(skip|todo|only)\b/
    expect(tests.filter(({ text }) => off.test(text)).map(shown)).toEqual([])
  })
})

test('no file names a folder of the machine that somebody worked on', () => {
  const binary = /\.(png|jpe?g|webp|gif|tiff?|bmp|safetensors|onnx|parquet|bin|npy)$/
  const folder = /(^|[\s"'`(=:])\/(home|Users|root|work)\//
  const texts = files().filter((path) => !binary.test(path))
  expect(
    texts
      .flatMap(linesOf)
      .filter(({ text }) => folder.test(text))
      .map(shown),
  ).toEqual([])
})
