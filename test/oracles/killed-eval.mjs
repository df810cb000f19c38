/**
 * Kills an evaluation over three tasks at random moments and compares all bytes with those of the
 * run left alone; no vector may be computed twice.
 *
 *   npm run build && node test/oracles/killed-eval.mjs [KILLS] [SEED]
 *
 * Prints a line for each kill, and at the end the number of files compared and of vectors computed.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomNumbers, run, timed } from './killed-runs.mjs'

const [kills = 30, seed = 1] = process.argv.slice(2).map(Number)
const dir = mkdtempSync(join(tmpdir(), 'bifocal-killed-eval-'))
const words = [
  'eval',
  'bifocal:tower',
  '--tasks',
  'object-group',
  'scene-t2i',
  'cross-style',
  '--limit',
  '12',
]

const wordsTo = (out) => [...words, '--threads', '1', '--out', out]

const varying = /^(run\.json|report\.html)$/
const filesOf = (out) =>
  new Map(
    readdirSync(out, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !varying.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(out.length), readFileSync(path, 'base64')]),
  )
const keysOf = (out) =>
  !existsSync(join(out, 'vectors'))
    ? []
    : [...filesOf(join(out, 'vectors'))]
        .filter(([path]) => path.endsWith('.jsonl'))
        .flatMap(([, text]) => Buffer.from(text, 'base64').toString().trim().split('\n'))
        .map((line) => JSON.parse(line).key)

const random = randomNumbers(seed)

try {
  const [alone, killed] = [join(dir, 'alone'), join(dir, 'killed')]
  const whole = await timed(wordsTo(alone))
  const expected = filesOf(alone)
  let stopped = 0
  for (let kill = 1; kill <= kills; kill++) {
    // A killed run that got to its end starts anew, so that every kill meets work.
    if (existsSync(join(killed, 'results.json')) && keysOf(killed).length === keysOf(alone).length)
      rmSync(killed, { recursive: true, force: true })
    const code = await run(wordsTo(killed), whole * (0.1 + 0.8 * random()))
    if (code === null) stopped += 1
    const keys = keysOf(killed)
    if (new Set(keys).size !== keys.length) throw new Error(`kill ${kill}: a vector is stored twice`)
    console.log(`${kill}: ${code === null ? 'killed' : `ended with ${code}`}, ${keys.length} vectors stored`)
  }
  const before = keysOf(killed).length
  if ((await run(wordsTo(killed))) !== 0) throw new Error('the run after the kills failed')
  const [{ items, resumed, computed }] = JSON.parse(readFileSync(join(killed, 'run.json'), 'utf8')).vectors
  if (resumed !== before || resumed + computed !== items)
    throw new Error('a stored vector was computed again')
  const found = filesOf(killed)
  for (const [path, bytes] of expected) if (found.get(path) !== bytes) throw new Error(`${path} differs`)
  for (const path of found.keys()) if (!expected.has(path)) throw new Error(`${path} is too many`)
  console.log(
    `${stopped} of ${kills} kills stopped a run; ${found.size} files are equal; ${items} vectors, none twice`,
  )
} finally {
  rmSync(dir, { recursive: true, force: true })
}
