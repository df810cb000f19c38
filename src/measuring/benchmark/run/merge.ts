/** @file The shards of a run as one run: the same bytes as on one machine. */

import { BenchmarkError } from '../errors.ts'
import { type Evaluated, evaluateWith } from './evaluate.ts'
import type { EvaluateOptions } from './options.ts'
import { copyVectors, readShards } from './shard.ts'

/** The options of the shards, without their own part. */
export type MergeRunsOptions = Omit<EvaluateOptions, 'shard' | 'store'>

/**
 * Puts the vectors of shards together and scores them. Models and tasks are opened again, because
 * rows and pictures come from there; no vector is computed.
 * @param shards folders of finished shards
 * @throws BenchmarkError `benchmark/missing-shard`, `benchmark/foreign-shard`,
 *   `benchmark/shard-twice`, `benchmark/run`; as `evaluate`
 */
export async function mergeRuns(shards: readonly string[], options: MergeRunsOptions): Promise<Evaluated> {
  const { setting, failures } = await readShards(shards)
  return await evaluateWith(options, {
    known: failures,
    collect: async () => {
      for (const shard of shards) await copyVectors(shard, options.out)
    },
    check: (own) => {
      if (JSON.stringify(own) === JSON.stringify(setting)) return
      throw new BenchmarkError('foreign-shard', {
        message: `the shards are of another run than this one: ${setting.command}`,
        hint: 'Models and tasks have to be those that the shards were made of: did a file change?',
      })
    },
  })
}
