/** @file One folder is for one run: `eval.json` says which. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readJson } from '../../../foundation/files/file.ts'
import { BifocalError } from '../../../foundation/numeric/errors.ts'
import { BenchmarkError } from '../errors.ts'
import { type RunSetting, runFiles, settingSchema, sha256 } from './files.ts'

/** Names everything that decides the results. Rows that were drawn follow from the rest. */
function identityOf({ command: _, budget, ...setting }: RunSetting): string {
  return sha256(JSON.stringify({ ...setting, budget: budget?.seconds ?? null }))
}

/**
 * The setting of the run that the folder holds, where it is this one: its drawn rows are taken
 * again.
 * @throws BenchmarkError `benchmark/other-run` where the folder holds results of another run, or a
 *   study
 */
export async function earlierSetting(path: string, own: RunSetting): Promise<RunSetting | undefined> {
  const file = join(path, runFiles.setting)
  const found = existsSync(file) ? await readSetting(file) : undefined
  if (found !== undefined && identityOf(found) === identityOf(own)) return found
  if (existsSync(join(path, 'work', 'study.json'))) throw ofStudy(path)
  const taken = [runFiles.results, 'shard.json'].some((name) => existsSync(join(path, name)))
  if (!taken) return undefined
  throw new BenchmarkError('other-run', {
    message: `${path} holds another run${found === undefined ? '' : `: ${found.command}`}`,
    hint: `Name another folder; --store ${path}/${runFiles.vectors} uses the stored vectors again.`,
  })
}

function ofStudy(path: string): BenchmarkError {
  return new BenchmarkError('other-run', {
    message: `${path} holds a study`,
    hint: 'Name another folder.',
  })
}

/** A setting that another version wrote is another run's. */
async function readSetting(file: string): Promise<RunSetting | undefined> {
  try {
    return await readJson(file, settingSchema)
  } catch (error) {
    if (error instanceof BifocalError && ['file/json', 'file/schema'].includes(error.code)) return undefined
    throw error
  }
}
