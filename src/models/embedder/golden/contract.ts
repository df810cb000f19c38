/**
 * @file Verifies a contract: its golden items are embedded again and compared with the vectors that
 * were kept. On a miss, the first item that differs is traced: tokens, pixels, vision, projector,
 * inputs, each layer, norm, vector; the first stage that differs is named. Vectors of another
 * precision than the kept ones differ by nature: one sentence says so, and nothing is traced.
 */

import { basename, join } from 'node:path'
import { toF32 } from '../../../foundation/numeric/float.ts'
import { dot } from '../../../foundation/numeric/linear.ts'
import { rangeOf } from '../../../foundation/numeric/rows.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import type { Item } from '../../../inputs/data/item.ts'
import { loadSafetensors } from '../../checkpoint/safetensors.ts'
import type { Contract } from '../contract.ts'
import { Embedder } from '../embedder.ts'
import { EmbedderError } from '../errors.ts'
import { type LoadOptions, openSubject } from '../subject.ts'
import { VerifyRecorder, type VerifyReport } from './report.ts'
import { sketchOf, sketchTolerance } from './sketch.ts'
import { traceItems } from './trace.ts'

/** Name of the kept vectors in their file: `[items, dim] f32`. */
export const VECTORS = 'vectors'

/** Name of a kept stage: `[elements] f32`, see `sketchOf`. */
export function stageName(item: number, stage: string): string {
  return `item.${item}/${stage}`
}

/**
 * @param path a model with an `embedder.json` that has golden vectors
 * @throws EmbedderError `embedder/no-golden`; what `Embedder.load` and `embed` throw
 * @example const { failure } = await verifyContract('models/tuned'); failure?.stage // 'layer.07'
 */
export async function verifyContract(path: string, options: LoadOptions = {}): Promise<VerifyReport> {
  const subject = await openSubject(path, options)
  const { golden } = subject.encoder.contract
  if (golden === undefined) {
    throw new EmbedderError('no-golden', {
      message: `${path} has no golden vectors to verify`,
      hint: 'Record some while the model is right: recordGolden, or bifocal verify MODEL --record ITEMS. verifyGolden (--golden DIR) compares a family with its reference.',
    })
  }
  const kept = await loadSafetensors(join(subject.dir, golden.vectors))
  const items = goldenItems(golden, subject.dir)
  const vectors = await embedded(path, items, options)
  const expected = toF32(kept.get(VECTORS) ?? f32([0], []))
  const recorder = new VerifyRecorder()
  const missed = firstMiss(vectors, expected, golden.tolerance)
  const madeIn = subject.encoder.contract.dtype
  const recordedIn = missed === undefined ? madeIn : await ownPrecision(path, options)
  if (recordedIn !== madeIn) {
    const detail = `the kept vectors were recorded in ${recordedIn} and these were made in ${madeIn}: precisions differ, and so do vectors (the least cosine between them is ${leastCosine(vectors, expected).toFixed(4)}); verify in ${recordedIn}, and see what ${madeIn} changes with bifocal inspect MODEL --precision`
    recorder.check({ case: '', stage: 'precision', key: VECTORS }, false, detail)
    return recorder.report(basename(subject.dir), 'contract', [VECTORS])
  }
  const stages =
    missed === undefined ? [] : [...kept.keys()].filter((name) => name.startsWith(stageName(missed, '')))
  if (missed !== undefined && stages.length > 0) {
    const [trace] = await traceItems(subject, [items[missed]!])
    const names = [
      ...new Set([
        ...(trace?.keys() ?? []),
        ...stages.map((name) => name.slice(stageName(missed, '').length)),
      ]),
    ]
    for (const stage of names) {
      const key = stageName(missed, stage)
      const [found, wanted] = [trace?.get(stage), kept.get(key)]
      const at = { case: `item ${missed}`, stage, key }
      if (wanted === undefined) recorder.check(at, false, 'the kept vectors were made without this stage')
      else
        recorder.compare(
          at,
          found && sketchOf(found),
          toF32(wanted),
          sketchTolerance(stage, toF32(wanted), golden.tolerance),
        )
    }
  }
  recorder.compare(
    { case: missed === undefined ? 'golden' : `item ${missed}`, stage: 'vector', key: VECTORS },
    vectors,
    expected,
    golden.tolerance,
  )
  return recorder.report(basename(subject.dir), 'contract', [VECTORS, ...stages])
}

/** The golden items, with the paths of their pictures resolved. */
export function goldenItems({ items }: Pick<NonNullable<Contract['golden']>, 'items'>, dir: string): Item[] {
  return items.map(({ image, ...words }) => ({
    ...words,
    image: image === undefined ? undefined : join(dir, image),
  }))
}

/** `[items, dim]` */
export async function embedded(
  path: string,
  items: readonly Item[],
  options: LoadOptions,
): Promise<Tensor<'f32'>> {
  const embedder = await Embedder.load(path, { ...options, warn: undefined })
  try {
    return (await embedder.embed(items, { signal: options.signal })).vectors
  } finally {
    await embedder.close()
  }
}

/**
 * The first row that differs; undefined where none does, or the shapes do and no row can be blamed.
 */
function firstMiss(got: Tensor<'f32'>, expected: Tensor<'f32'>, tolerance: number): number | undefined {
  const [rows = 0, width = 0] = expected.dims
  if (got.dims.join() !== expected.dims.join()) return got.dims[0] === rows ? 0 : undefined
  for (let row = 0; row < rows; row++) {
    const [a, b] = [rangeOf(got, row, 1), rangeOf(expected, row, 1)]
    for (let i = 0; i < width; i++) if (!(Math.abs(a.data[i]! - b.data[i]!) <= tolerance)) return row
  }
  return undefined
}

/** The precision of a contract, whatever the caller asks for: its vectors were recorded in it. */
async function ownPrecision(path: string, options: LoadOptions): Promise<Contract['dtype']> {
  const own = await openSubject(path, { ...options, dtype: undefined, warn: undefined })
  return own.encoder.contract.dtype
}

/** Least cosine between rows of two tables of unit vectors; NaN where the shapes differ. */
function leastCosine(a: Tensor<'f32'>, b: Tensor<'f32'>): number {
  if (a.dims.join() !== b.dims.join()) return Number.NaN
  const rows = Array.from({ length: a.dims[0] ?? 0 }, (_, row) => row)
  return Math.min(...rows.map((row) => dot(rangeOf(a, row, 1).data, rangeOf(b, row, 1).data)))
}
