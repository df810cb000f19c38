/**
 * @file Runs the default study with several seeds and writes what each found into
 * `packages/twins/seeds.json`, which every later study of the shipped twins shows.
 *
 *     npm run seeds -- 7 8 9
 */

import { join } from 'node:path'
import { writeFileAtomic } from '../src/foundation/files/file.ts'
import { shippedPackage } from '../src/foundation/files/shipped.ts'
import { UsageError } from '../src/foundation/numeric/errors.ts'
import { headlinePair } from '../src/measuring/report/lookup.ts'
import { settingOf } from '../src/measuring/study/options.ts'
import { type SeedRuns, settingKey } from '../src/measuring/study/other-seeds.ts'
import { runStudy } from '../src/measuring/study/study.ts'
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
    const { results } = await runStudy({ seed, out, warn: (words) => console.error(words) })
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
