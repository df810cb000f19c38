/**
 * @file Runs of the same study with other seeds: what they found, as shipped beside the twins. One
 * seed is no finding, and a new run can say at once what the others gave.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../foundation/files/file.ts'
import { shippedPackage } from '../../foundation/files/shipped.ts'
import { intervalSchema } from '../report/interval.ts'
import type { Results } from '../report/results.ts'
import type { StudySetting } from './options.ts'

export type SeedRun = Results['finding']['otherSeeds'][number]

const FILE = 'seeds.json'

const runsSchema = z.strictObject({
  /** Makes the file. */
  command: z.string(),
  /** Beside the seed these have to be equal: the hashes of the compared models, and the setting. */
  models: z.array(z.string()),
  setting: z.string(),
  /** The headline difference of each run. */
  runs: z.array(z.strictObject({ seed: z.int(), interval: intervalSchema })),
})
export type SeedRuns = z.infer<typeof runsSchema>

/** A hash of everything that a study's results depend on beside its models and its seed. */
export function settingKey({ seed: _, models: __, ...rest }: StudySetting): string {
  return createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 16)
}

/**
 * Runs of the same models and setting with other seeds; none where none were recorded.
 * @param models hashes of the compared models, in their order
 * @param folder holds `seeds.json`; default: the package of the twins
 * @throws FileError for a damaged file
 */
export async function otherSeeds(
  models: readonly string[],
  setting: StudySetting,
  folder: string | undefined = shippedPackage(),
): Promise<SeedRun[]> {
  const path = folder === undefined ? undefined : join(folder, FILE)
  if (path === undefined || !existsSync(path)) return []
  const recorded = await readJson(path, runsSchema)
  const same = recorded.setting === settingKey(setting) && recorded.models.join() === models.join()
  return same ? recorded.runs.filter(({ seed }) => seed !== setting.seed) : []
}
