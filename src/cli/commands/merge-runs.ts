/** @file `bifocal merge-runs`: the shards of a run as one run, those of `embed` as one file. */

import { UsageError } from '../../foundation/numeric/errors.ts'
import { command } from '../command.ts'
import { askedSchema, evaluationOf } from '../evaluation.ts'
import type { CommandIo } from '../io.ts'
import { contentLine, warnSkipped } from './embed.ts'
import { limitOf, printRun } from './eval.ts'

export const mergeRunsCommand = command(
  'merge-runs <shards...>',
  'Put shards together, of eval as a run with its scores, of embed as a file of vectors: the same bytes as on one machine',
)
  .option('--out <path>', 'the folder of the run, or the file of the vectors')
  .repeatable('--fail-under <name=score>', 'of eval: exit 4 where a task or a mean is below: all=0.6')
  .action(async ({ shards, out, failUnder = [] }, io) => {
    const limits = failUnder.map(limitOf)
    if (out === undefined)
      throw new UsageError('arguments', {
        message: 'no folder or file for the result',
        hint: 'Name it: --out FOLDER for shards of eval, --out FILE for those of embed.',
      })
    const { isPart } = await import('../../models/embedder/parts/files.ts')
    if (shards.some(isPart) && limits.length > 0)
      throw new UsageError('arguments', {
        message: '--fail-under for vectors, which have no scores',
        hint: 'It is for shards of eval.',
      })
    if (shards.some(isPart)) return await mergeVectors(shards, out, io)
    const [{ readShards }, { mergeRuns }] = await Promise.all([
      import('../../measuring/benchmark/run/shard.ts'),
      import('../../measuring/benchmark/run/merge.ts'),
    ])
    const { asked } = await readShards(shards)
    const options = await evaluationOf(askedSchema.parse(asked), out, io)
    const { run } = await mergeRuns(shards, { ...options, limits })
    return run === undefined ? 0 : await printRun(run, limits, io)
  })

async function mergeVectors(shards: readonly string[], out: string, io: CommandIo): Promise<0 | 3> {
  const { mergeParts } = await import('../../models/embedder/parts/merge-parts.ts')
  const made = await mergeParts(shards, { out, warn: io.warn, signal: io.signal })
  const { rows, content, skipped, skippedFile } = made
  warnSkipped(made, io)
  const [count, width] = [rows.kept.length, rows.vectors.dims[1]]
  io.print(`${count} ${count === 1 ? 'vector' : 'vectors'} of ${width} elements → ${out}`, {
    dims: width,
    content,
    skipped,
    out,
    skippedFile,
  })
  if (count > 0) io.say(contentLine(made))
  return count === 0 ? 3 : 0
}
