/** @file Drift by paths: opens the operands, and compares stages where both were recorded. */

import { verifyContract } from '../../../models/embedder/golden/contract.ts'
import type { VerifyReport } from '../../../models/embedder/golden/report.ts'
import type { LoadOptions } from '../../../models/embedder/subject.ts'
import { readVectorSet } from '../../../models/embedder/vectors/read.ts'
import type { VectorSet } from '../../../models/embedder/vectors/reading/set.ts'
import { isRunOperand } from '../comparison/operands.ts'
import { type Drift, type DriftOptions, measureDrift } from './drift.ts'
import { runVectors } from './run-vectors.ts'
import { goldenFile, stageDrift } from './stages.ts'

export interface DriftOfOptions extends DriftOptions, Pick<LoadOptions, 'warn' | 'onDownload'> {
  /** The tensor, column, key or readout that holds the vectors: see `ReadVectorsOptions.name`. */
  name?: string
  /** A model that has golden vectors: they are embedded again, and compared stage by stage. */
  model?: string
  /** Of golden vectors, where both operands are recordings: default 1e-5. */
  tolerance?: number
}

/**
 * @param a a file or folder of vectors; a model of a run, `RUN:MODEL`; a file of golden vectors, or
 *   the folder of a model with an `embedder.json` that has some
 * @throws as `readVectorSet`, `measureDrift`, `verifyContract` and `runVectors`
 */
export async function driftOf(
  a: string,
  b: string,
  { name, model, tolerance = 1e-5, ...options }: DriftOfOptions = {},
): Promise<{ drift: Drift; stages: VerifyReport | undefined }> {
  const [first, second] = [await opened(a, name, options), await opened(b, name, options)]
  if (first.golden === undefined || second.golden === undefined) {
    if (first.set.ids === undefined || second.set.ids === undefined)
      options.warn?.('the items are matched by their place, because not both sets name them')
  }
  const drift = await measureDrift(first.set, second.set, options)
  const { signal, threads, warn, onDownload } = options
  const stages =
    model !== undefined
      ? await verifyContract(model, { signal, threads, warn, onDownload })
      : first.golden !== undefined && second.golden !== undefined
        ? await stageDrift(first.golden, second.golden, tolerance)
        : undefined
  return { drift, stages }
}

async function opened(
  path: string,
  name: string | undefined,
  { signal }: DriftOptions,
): Promise<{ set: VectorSet; golden: string | undefined }> {
  if (isRunOperand(path)) return { set: await runVectors(path, { name, signal }), golden: undefined }
  const golden = await goldenFile(path)
  return { set: await readVectorSet(golden ?? path, { name, signal }), golden }
}
