/**
 * @file From items to the feeds of sequence groups: prepared once, padded to the longest of their
 * group.
 */

import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { type KeyedItem, readItem } from '../../inputs/data/item.ts'
import { poolWeights, poolWeightsFeed } from '../../models/embedder/readout.ts'
import { positionFeeds } from '../../models/families/decoder-inputs.ts'
import { TUNED_POOLS } from './decoder.ts'
import type { ImageTable, PictureFeatures, TowerPicture } from './features.ts'
import type { Subject } from './subject.ts'

/** A prepared item without its pixels. */
export interface Sequence {
  readonly inputIds: readonly number[]
  /** Rows of the item's own image table, −1 at text. */
  readonly imageIndex: readonly number[]
  readonly pictureKey: string | undefined
  /** For each axis, where the family's positions have several numbers. */
  readonly positions?: number[][]
}

export interface Sequences {
  /** The items as sequences; the image rows of their pictures are known afterwards. */
  prepare(items: readonly KeyedItem[], signal?: AbortSignal): Promise<Sequence[]>
}

/** Remembers by key what it has prepared. */
export function sequencesOf({ processor }: Pick<Subject, 'processor'>, features: PictureFeatures): Sequences {
  const known = new Map<string, Sequence>()
  return {
    async prepare(items, signal) {
      const unseen: TowerPicture[] = []
      const sequences: Sequence[] = []
      for (const item of items) {
        const found = known.get(item.key)
        if (found !== undefined) {
          sequences.push(found)
          continue
        }
        const { instruction, text, pictures, pictureKey } = await readItem(item)
        const { prompt, instructionEnd } = processor.prompt({ instruction, text, images: pictures.length })
        const made = processor.prepare(prompt, pictures, { instructionEnd })
        const { inputIds, imageIndex, positions, views, visionFeeds } = made
        if (pictureKey !== undefined && !features.has(pictureKey))
          unseen.push({ key: pictureKey, views, visionFeeds })
        const sequence = { inputIds, imageIndex, positions, pictureKey }
        known.set(item.key, sequence)
        sequences.push(sequence)
      }
      await features.add(unseen, signal)
      return sequences
    },
  }
}

/** The feeds of one group, without `image_rows`. */
export function groupFeeds(
  sequences: readonly Sequence[],
  table: ImageTable,
  index: number,
): Record<string, Tensor> {
  const batch = sequences.length
  const seq = Math.max(...sequences.map(({ inputIds }) => inputIds.length))
  const ids = new Float64Array(batch * seq)
  const mask = new Float64Array(batch * seq)
  const rows = new Float64Array(batch * seq).fill(-1)
  for (const [i, { inputIds, imageIndex, pictureKey }] of sequences.entries()) {
    ids.set(inputIds, i * seq)
    mask.fill(1, i * seq, i * seq + inputIds.length)
    for (const [at, own] of imageIndex.entries())
      if (own >= 0 && pictureKey !== undefined) rows[i * seq + at] = table.rowOf(pictureKey, own)
  }
  const weights = TUNED_POOLS.map((pool) =>
    sequences.map(({ inputIds, imageIndex }) => poolWeights(pool, { inputIds, imageIndex, tailStart: 0 })),
  )
  return {
    [`input_ids${index}`]: i64([batch, seq], ids),
    [`attention_mask${index}`]: i64([batch, seq], mask),
    [`image_index${index}`]: i64([batch, seq], rows),
    [`pool_weights${index}`]: poolWeightsFeed(weights, seq),
    ...positionFeeds(sequences, seq, [], `position_ids${index}`),
  }
}

/** The keys of all pictures. */
export function pictureKeys(sequences: readonly Sequence[]): string[] {
  return sequences.flatMap(({ pictureKey }) => pictureKey ?? [])
}

/**
 * Splits sequences into groups by length, so that the fewest positions are padding.
 * @returns positions in `sequences`, the shortest first; each group has members where there are
 *   that many sequences
 */
export function splitByLength(sequences: readonly Sequence[], groups: number): number[][] {
  const length = (at: number) => sequences[at]!.inputIds.length
  const order = sequences.map((_, at) => at).sort((a, b) => length(a) - length(b) || a - b)
  // fewest[g][n]: positions of the n shortest in g + 1 groups; the last group begins at
  // starts[g][n].
  const fewest = [order.map((at, n) => (n + 1) * length(at))]
  const starts = [order.map(() => 0)]
  for (let g = 1; g < groups; g++) {
    const best = order.map(() => Number.POSITIVE_INFINITY)
    const from = order.map(() => 0)
    for (let n = g; n < order.length; n++) {
      for (let start = g; start <= n; start++) {
        const positions = fewest[g - 1]![start - 1]! + (n - start + 1) * length(order[n]!)
        if (positions < best[n]!) [best[n], from[n]] = [positions, start]
      }
    }
    fewest.push(best)
    starts.push(from)
  }
  const split: number[][] = []
  for (let g = groups - 1, end = order.length; g >= 0; g--) {
    const start = starts[g]![end - 1]!
    split.unshift(order.slice(start, end))
    end = start
  }
  return split
}
