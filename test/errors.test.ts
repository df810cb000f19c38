/**
 * @file Every error that is thrown on purpose has a code, and docs/errors.md lists all of them and
 * no others.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.startsWith(join('report', 'page')),
  )
  .map((path) => ({ path, text: withoutComments(readFileSync(join(root, 'src', path), 'utf8')) }))

/** Examples in comments throw nothing. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(\*|\/\/|\/\*\*).*$/gm, '')
}

/**
 * Class → what stands before its codes: `super(\`graph/${code}\`` or a fixed `super('interrupted'`.
 */
const prefixes = new Map<string, string>()
for (const { text } of sources) {
  for (const [, name, prefix] of text.matchAll(
    /class (\w+) extends BifocalError \{[\s\S]*?super\([`']([a-z-]+\/?)/g,
  ))
    prefixes.set(name!, prefix!)
}

const thrown = new Set<string>()
for (const { text } of sources) {
  for (const [, name, code] of text.matchAll(/new (\w+Error)\(\s*'([a-z/-]+)'/g)) {
    const prefix = name === 'BifocalError' ? '' : prefixes.get(name!)
    if (prefix?.endsWith('/') || prefix === '') thrown.add(prefix + code)
  }
  if (text.includes('new InterruptedError(')) thrown.add('interrupted')
  // A function that makes an error of the code that it is given: `lie(file, 'header-json', …)`.
  for (const [, maker, name] of text.matchAll(
    /function (\w+)[^{]*\{(?:(?!\nfunction)[\s\S])*?new (\w+Error)\(code,/g,
  )) {
    for (const [, code] of text.matchAll(new RegExp(`\\b${maker}\\(\\s*(?:\\w+,\\s*)?'([a-z-]+)'`, 'g')))
      thrown.add(`${prefixes.get(name!)}${code}`)
  }
}

const documented = [
  ...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z-]+(?:\/[a-z-]+)?)` \|/gm),
].map((match) => match[1]!)

test('every code is documented', () => {
  expect(thrown.size).toBeGreaterThan(80)
  expect([...thrown].filter((code) => !documented.includes(code)).sort()).toEqual([])
})

/** Said by the command line itself, for what the argument parser refuses. */
const PARSER = ['usage/arguments']

test('every documented code is thrown, and listed once', () => {
  expect(documented.filter((code) => !thrown.has(code) && !PARSER.includes(code)).sort()).toEqual([])
  expect(documented.filter((code, i) => documented.indexOf(code) !== i)).toEqual([])
})

test('nothing is thrown without a code', () => {
  const plain = sources
    .filter(({ text }) => /\bnew (?:Type|Range|Syntax)?Error\(/.test(text))
    .map(({ path }) => path)
  expect(plain).toEqual([])
})
