/** @file The stored vectors of a model of a run, as a set. */

import { readVectorFolder } from '../../../models/embedder/vectors/reading/folder.ts'
import type { ReadVectorsOptions, VectorSet } from '../../../models/embedder/vectors/reading/set.ts'
import { openOperands } from '../comparison/operands.ts'
import { BenchmarkError } from '../errors.ts'
import { taken } from './neighbours.ts'

/**
 * Reads the vectors of all items of the run's tasks. A store may hold more: of other runs.
 * @param word `RUN:MODEL`, or `RUN` where it holds one model
 * @throws BenchmarkError `benchmark/several-models`, `benchmark/no-vectors`; as `openOperands` and
 *   `readVectorSet`
 */
export async function runVectors(word: string, options: ReadVectorsOptions): Promise<VectorSet> {
  const [first, ...others] = await openOperands([word])
  if (first === undefined || others.length > 0)
    throw new BenchmarkError('several-models', {
      message: `${word} holds ${1 + others.length} models, and drift is of one`,
      hint: `Name one of them: RUN:${first?.model.id ?? 'MODEL'}.`,
    })
  const { run, model } = first
  const folder = await run.vectors(model.id)
  if (folder === undefined)
    throw new BenchmarkError('no-vectors', {
      message: `${run.path} has no stored vectors of ${model.id}`,
      hint: 'Start the same bifocal eval again: it computes the vectors that are gone. Baselines may have none.',
    })
  const set = await readVectorFolder(folder.path, options)
  const keys = new Set<string>()
  for (const { task } of run.results.scores.filter((score) => score.model === model.id)) {
    const { test } = await run.task(model.id, task)
    for (const { query, candidates } of test) for (const { key } of [query, ...candidates]) keys.add(key)
  }
  const rows = set.ids!.flatMap((id, row) => (keys.has(id) ? [row] : []))
  return {
    path: word,
    vectors: taken(set.vectors, rows),
    indices: rows,
    ids: rows.map((row) => set.ids![row]!),
    ...(set.labels && { labels: rows.map((row) => set.labels![row]!) }),
    skipped: keys.size - rows.length,
  }
}
