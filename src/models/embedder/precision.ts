/**
 * @file Measures a precision of a model: how near its vectors are to those in f32, and how much
 * faster they come.
 */

import type { Precision } from '../../engine/graph/compiled.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { dot } from '../../foundation/numeric/linear.ts'
import type { Item } from '../../inputs/data/item.ts'
import { Embedder } from './embedder.ts'
import { EmbedderError } from './errors.ts'
import { SAMPLE_KINDS, type SampleKind, sampleItems } from './sample-items.ts'
import type { LoadOptions } from './subject.ts'

/** A cosine for each item: the least and the mean. */
export interface Nearness {
  items: number
  min: number
  mean: number
}

export interface PrecisionReport {
  dtype: Exclude<Precision, 'f32'>
  /**
   * To the vectors in f32. Kinds of items that the model can't take are absent; `given` are the
   * caller's.
   */
  cosine: { all: Nearness } & Partial<Record<SampleKind | 'given', Nearness>>
  /**
   * Seconds of all items in f32 by seconds at this precision, each the fastest of `rounds`: above 1
   * is faster.
   */
  speed: number
  /** Seconds an item. */
  seconds: number
}

export interface MeasurePrecisionOptions extends Omit<LoadOptions, 'dtype'> {
  /** Instead of the built-in items. */
  items?: readonly Item[]
  /** Timed passes over the items at each precision; default 3. */
  rounds?: number
  onProgress?: (progress: { label: string; done: number; total: number }) => void
}

type Kind = SampleKind | 'given'

const REDUCED = ['f16', 'int8'] as const satisfies PrecisionReport['dtype'][]

/** The result of a pass over the items: by item, undefined where the model can't take it. */
interface Measured {
  vectors: (Float32Array | undefined)[]
  seconds: number
}

/**
 * Embeds items in f32, then at each other precision, one model in memory at a time. Ratios of speed
 * are those of an idle machine or none.
 * @throws UsageError `usage/empty-input`; EmbedderError `embedder/no-sample` when the model can
 *   take no item; what `Embedder.load` throws
 * @example for (const { dtype, cosine, speed } of await measurePrecision('bifocal:twin-ar'))
 *   console.log(dtype, cosine.all.min, speed)
 */
export async function measurePrecision(
  path: string,
  options: MeasurePrecisionOptions = {},
): Promise<PrecisionReport[]> {
  const { items: given, rounds = 3, onProgress, ...load } = options
  if (given?.length === 0) {
    throw new UsageError('empty-input', {
      message: 'no items to compare precisions with',
      hint: 'Give one at least, or none of your own.',
    })
  }
  const itemsOf = (round: number): { kind: Kind; item: Item }[] =>
    given?.map((item) => ({ kind: 'given', item })) ?? sampleItems(round)
  const kinds = itemsOf(0).map(({ kind }) => kind)
  let done = 0
  const at = async (dtype: Precision) => {
    onProgress?.({ label: 'precision', done: done++, total: 1 + REDUCED.length })
    return await measure(path, { ...load, dtype }, (round) => itemsOf(round).map(({ item }) => item), rounds)
  }
  const exact = await at('f32')
  const reports: PrecisionReport[] = []
  for (const dtype of REDUCED) {
    const { vectors, seconds } = await at(dtype)
    const cosines = vectors.map(
      (vector, row) => vector && exact.vectors[row] && dot(vector, exact.vectors[row]),
    )
    const of = (wanted: (kind: Kind) => boolean) => nearness(cosines.filter((_, row) => wanted(kinds[row]!)))
    const byKind = ([...SAMPLE_KINDS, 'given'] as const).flatMap((kind) => {
      const found = of((other) => other === kind)
      return found === undefined ? [] : [[kind, found] as const]
    })
    reports.push({
      dtype,
      cosine: {
        all: of(() => true) ?? { items: 0, min: Number.NaN, mean: Number.NaN },
        ...Object.fromEntries(byKind),
      },
      speed: exact.seconds / seconds,
      seconds: seconds / cosines.filter((cosine) => cosine !== undefined).length,
    })
  }
  return reports
}

/**
 * Seconds of the fastest of some passes over items; each round has its own, lest a cache spare the
 * model its work. The first is round 1.
 */
export async function fastestPass(
  embedder: Embedder,
  itemsOf: (round: number) => Item[],
  rounds: number,
  signal?: AbortSignal,
): Promise<number> {
  let seconds = Number.POSITIVE_INFINITY
  for (let round = 1; round <= rounds; round++) {
    const items = itemsOf(round)
    const start = performance.now()
    await embedder.embed(items, { signal })
    seconds = Math.min(seconds, (performance.now() - start) / 1000)
  }
  return seconds
}

async function measure(
  path: string,
  load: LoadOptions,
  itemsOf: (round: number) => Item[],
  rounds: number,
): Promise<Measured> {
  const embedder = await Embedder.load(path, load)
  const { signal } = load
  try {
    // The first pass opens the sessions.
    const first = itemsOf(0)
    const { vectors, kept, skipped } = await embedder.embed(first, { badItems: 'skip', signal })
    const [why] = skipped
    if (kept.length === 0 && why !== undefined) {
      throw new EmbedderError('no-sample', {
        message: `the model takes none of the items: ${why.message}`,
        hint: why.hint,
      })
    }
    const width = vectors.data.length / kept.length
    const seconds = await fastestPass(
      embedder,
      (round) => itemsOf(round).filter((_, row) => kept.includes(row)),
      rounds,
      signal,
    )
    const rowOf = new Map(kept.map((index, row) => [index, row]))
    return {
      vectors: first.map((_, index) => {
        const row = rowOf.get(index)
        return row === undefined ? undefined : vectors.data.subarray(row * width, (row + 1) * width)
      }),
      seconds,
    }
  } finally {
    await embedder.close()
  }
}

function nearness(cosines: readonly (number | undefined)[]): Nearness | undefined {
  const found = cosines.filter((cosine) => cosine !== undefined)
  if (found.length === 0) return undefined
  return {
    items: found.length,
    min: Math.min(...found),
    mean: found.reduce((sum, cosine) => sum + cosine, 0) / found.length,
  }
}
