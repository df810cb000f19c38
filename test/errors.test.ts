/**
 * @file Every error that is thrown on purpose has a code. The table of its room and docs/errors.md
 * list all codes and no others.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { BifocalError, InterruptedError } from '../src/foundation/numeric/errors.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(
    (path) =>
      path.endsWith('.ts') &&
      !path.endsWith('.test.ts') &&
      !path.startsWith(join('measuring', 'report', 'page')),
  )
  .map((path) => ({ path, text: withoutComments(readFileSync(join(root, 'src', path), 'utf8')) }))

/** Examples in comments throw nothing. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(\*|\/\/|\/\*\*).*$/gm, '')
}

/** The table of a class that `roomError` made: `media/damaged` … → exit code. */
function tableOf(exported: unknown): ReadonlyMap<string, number> {
  const isClass = typeof exported === 'function' && exported.prototype instanceof BifocalError
  return isClass && 'codes' in exported && exported.codes instanceof Map ? exported.codes : new Map()
}

const rooms = await Promise.all(
  sources
    .filter(({ text }) => text.includes('extends roomError('))
    .map(async ({ path }) => {
      const file: Record<string, unknown> = await import(join(root, 'src', path))
      return Object.values(file).flatMap((exported) => [...tableOf(exported)])
    }),
)
const tables = rooms.flat()
/** Written out where a file throws too seldom for a table: `new BifocalError('tensor/size'`. */
const single = sources.flatMap(({ text }) =>
  [...text.matchAll(/new BifocalError\(\s*'([a-z0-9/-]+)'/g)].map((match): [string, number] => [
    match[1]!,
    1,
  ]),
)
const interrupted = new InterruptedError('a run')
const codes = new Map([...tables, ...single, [interrupted.code, interrupted.exitCode]])

const documented = [
  ...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z0-9/-]+)` \| (\d+) \|/gm),
].map((match): [string, number] => [match[1]!, Number(match[2])])

test('docs/errors.md lists every code once with its exit code, and no others', () => {
  expect(codes.size).toBeGreaterThan(100)
  const sorted = (list: Iterable<[string, number]>) =>
    [...list].map(([code, exit]) => `${code} ${exit}`).sort()
  expect(sorted(documented)).toEqual(sorted(codes))
})

test('every code of a table is thrown somewhere', () => {
  // Without the tables themselves, whose keys are quoted too.
  const thrown = sources.map(({ text }) => text.replace(/extends roomError\([\s\S]*?\}\) \{/g, '')).join('\n')
  const idle = tables.filter(([code]) => !thrown.includes(`'${code.split('/')[1]}'`))
  expect(idle).toEqual([])
})

test('nothing is thrown without a code', () => {
  const plain = sources
    .filter(({ text }) => /\bnew (?:Type|Range|Syntax)?Error\(/.test(text))
    .map(({ path }) => path)
  expect(plain).toEqual([])
})
