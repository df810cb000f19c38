/**
 * @file Where two recordings of a model's golden items part: stage by stage, without running the
 * model again.
 */

import { stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { toF32 } from '../../../foundation/numeric/float.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { loadSafetensors, openSafetensors } from '../../../models/checkpoint/safetensors.ts'
import { readContract } from '../../../models/embedder/contract.ts'
import { VECTORS } from '../../../models/embedder/golden/contract.ts'
import { VerifyRecorder, type VerifyReport } from '../../../models/embedder/golden/report.ts'
import { sketchTolerance, stageOrder } from '../../../models/embedder/golden/sketch.ts'

const STAGE = /^item\.(\d+)\/(.+)$/

/**
 * The golden vectors that an operand names: a model's folder with an `embedder.json`, or the file
 * of golden vectors itself.
 * @returns undefined where it is neither
 */
export async function goldenFile(path: string): Promise<string | undefined> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false
  if (isFolder) {
    const found = await readContract(path)
    const vectors = found?.contract.golden?.vectors
    return found === undefined || vectors === undefined ? undefined : join(found.dir, vectors)
  }
  if (extname(path) !== '.safetensors') return undefined
  const { tensors } = await openSafetensors(path)
  return tensors.has(VECTORS) && [...tensors.keys()].some((name) => STAGE.test(name)) ? path : undefined
}

/**
 * Compares two files of golden vectors.
 * @param tolerance largest allowed difference of a vector's element; stages in proportion
 * @returns the stages in the order of the computation, and the first that differs
 */
export async function stageDrift(a: string, b: string, tolerance: number): Promise<VerifyReport> {
  const [before, after] = [await loadSafetensors(a), await loadSafetensors(b)]
  const recorder = new VerifyRecorder()
  const names = [...new Set([...before.keys(), ...after.keys()])].sort(byComputation)
  for (const key of names) {
    const [, item, stage] = STAGE.exec(key) ?? []
    const at = { case: item === undefined ? 'all items' : `item ${item}`, stage: stage ?? 'vector', key }
    const [expected, got] = [before.get(key), after.get(key)]
    if (expected === undefined) {
      recorder.check(at, false, `${a} was recorded without this stage`)
      continue
    }
    const wide = widened(expected)
    recorder.compare(
      at,
      got && widened(got),
      wide,
      stage === undefined ? tolerance : sketchTolerance(stage, wide, tolerance),
    )
  }
  return recorder.report(b, 'drift', names)
}

function widened(value: Tensor): Tensor<'f32'> {
  return value.dtype === 'i64'
    ? { dtype: 'f32', dims: value.dims, data: Float32Array.from(value.data, Number) }
    : toF32(value)
}

/** Stages in the order of the computation, those of all items together; the vectors last. */
function byComputation(a: string, b: string): number {
  const [, itemA = '0', stageA = 'vector'] = STAGE.exec(a) ?? []
  const [, itemB = '0', stageB = 'vector'] = STAGE.exec(b) ?? []
  const [orderA, orderB] = [stageOrder(stageA), stageOrder(stageB)]
  return orderA - orderB || (stageA < stageB ? -1 : stageA > stageB ? 1 : Number(itemA) - Number(itemB))
}
