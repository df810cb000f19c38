/**
 * Kills `study --plan paper` at random moments, goes on with it, and compares its results with those
 * of a run left alone: `paper.json`, `paper.md` and the record of every run, byte by byte.
 *
 *   npm run build && node test/oracles/killed-paper.mjs [KILLS] [SEED] [WEIGHTS]
 *
 * Tunes the shipped models of the plan, and those in WEIGHTS, for a few steps on one task. Prints a
 * line for each kill, then the SHA-256 of `paper.json`.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomNumbers, run, timed } from './killed-runs.mjs'

const [kills = 2, seed = 1] = process.argv.slice(2, 4).map(Number)
const dir = mkdtempSync(join(tmpdir(), 'bifocal-killed-paper-'))
const weights = process.argv[4] ?? join(dir, 'weights')
const words = ['study', '--plan', 'paper', '--weights', weights, '--tasks', 'object-group', '--steps', '6']

const wordsTo = (out) => [...words, '--out', out]

const recordsOf = (out) => {
  const folder = join(out, 'work', 'runs')
  return existsSync(folder) ? readdirSync(folder).sort() : []
}
const resultsOf = (out) =>
  [join(out, 'paper.json'), join(out, 'paper.md')]
    .concat(recordsOf(out).map((name) => join(out, 'work', 'runs', name)))
    .map((path) => [path.slice(out.length), readFileSync(path)])

const random = randomNumbers(seed)

try {
  const [alone, killed] = [join(dir, 'alone'), join(dir, 'killed')]
  const whole = await timed(wordsTo(alone))
  const expected = resultsOf(alone)
  for (let kill = 1; kill <= kills; kill++) {
    // Each kill comes somewhere in its own part of the time.
    const code = await run(wordsTo(killed), (whole * (0.2 + 0.6 * random())) / kills)
    if (code !== null) throw new Error(`kill ${kill} came too late: the run ended with ${code}`)
    console.log(`${kill}: killed, ${recordsOf(killed).length} of ${recordsOf(alone).length} runs kept`)
  }
  if ((await run(wordsTo(killed))) !== 0) throw new Error('the run after the kills failed')
  const found = new Map(resultsOf(killed))
  for (const [path, bytes] of expected)
    if (!bytes.equals(found.get(path) ?? Buffer.alloc(0))) throw new Error(`${path} differs`)
  if (found.size !== expected.length) throw new Error('the run after the kills has other files')
  const [, results] = expected[0]
  console.log(
    `${found.size} files are equal; paper.json ${createHash('sha256').update(results).digest('hex')}`,
  )
} finally {
  rmSync(dir, { recursive: true, force: true })
}
