/** @file `bifocal merge-runs`: the shards of a run as one run. */

import { UsageError } from '../../foundation/numeric/errors.ts'
import { command } from '../command.ts'
import { askedSchema, evaluationOf } from '../evaluation.ts'
import { printRun } from './eval.ts'

export const mergeRunsCommand = command(
  'merge-runs <shards...>',
  'Put the shards of an evaluation together and score them: the same bytes as on one machine',
)
  .option('--out <folder>', 'the folder of the run')
  .action(async ({ shards, out }, io) => {
    if (out === undefined)
      throw new UsageError('arguments', { message: 'no folder for the run', hint: 'Name it: --out FOLDER.' })
    const [{ readShards }, { mergeRuns }] = await Promise.all([
      import('../../measuring/benchmark/run/shard.ts'),
      import('../../measuring/benchmark/run/merge.ts'),
    ])
    const { asked } = await readShards(shards)
    const { run } = await mergeRuns(shards, await evaluationOf(askedSchema.parse(asked), out, io))
    return run === undefined ? 0 : await printRun(run, [], io)
  })
