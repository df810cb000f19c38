/**
 * @file Runs the default study with several seeds and writes what each found into
 * `packages/twins/seeds.json`, which every later study of the shipped twins shows.
 *
 *     npm run seeds -- 7 8 9
 */

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { readText, writeFileAtomic } from '../src/foundation/files/file.ts'
import { shippedPackage } from '../src/foundation/files/shipped.ts'
import { UsageError } from '../src/foundation/numeric/errors.ts'
import { headlinePair } from '../src/measuring/report/lookup.ts'
import { parseResults } from '../src/measuring/report/results.ts'
import { settingOf } from '../src/measuring/study/options.ts'
import { type SeedRuns, settingKey } from '../src/measuring/study/other-seeds.ts'
import { endWith } from './outcome.ts'

await endWith(async () => {
  const seeds = process.argv.slice(2).map(Number)
  const folder = shippedPackage()
  if (
    seeds.length === 0 ||
    seeds.some((seed) => !Number.isInteger(seed) || seed < 0) ||
    folder === undefined
  ) {
    throw new UsageError('arguments', {
      message: `expected seeds, got ${JSON.stringify(process.argv.slice(2))}`,
      hint: 'npm run seeds -- 7 8 9',
    })
  }
  const runs: SeedRuns['runs'] = []
  let models: string[] = []
  for (const seed of seeds) {
    const out = join('.bifocal', 'study-seeds', String(seed))
    // The built command line: it finds its page and its version beside itself.
    const args = [join('dist', 'cli', 'main.js'), 'study', '--seed', String(seed), '--out', out]
    execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const results = parseResults(JSON.parse(await readText(join(out, 'results.json'))))
    const pair = headlinePair(results)
    const compared = [pair?.a.of, pair?.b.of]
    models = compared.map((id) => results.models.find((model) => model.id === id)?.hash ?? '')
    runs.push({ seed, interval: results.finding.interval })
    console.error(`seed ${seed}: ${JSON.stringify(results.finding.interval)}`)
  }
  const setting = settingKey(settingOf({ out: '' }))
  const recorded: SeedRuns = { command: `npm run seeds -- ${seeds.join(' ')}`, models, setting, runs }
  await writeFileAtomic(join(folder, 'seeds.json'), `${JSON.stringify(recorded, undefined, 2)}\n`)
  return 0
})
