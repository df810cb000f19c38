/** @file The vectors of some items in every readout that an analysis asks for, from one pass. */

import { distinctOf, type KeyedItem } from '../../inputs/data/item.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { CONTRACT_READOUT } from '../../models/embedder/embedding.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import { type Subject, withState } from '../../models/embedder/subject.ts'
import { embedAll } from '../../models/embedder/vectors/all.ts'
import { makerOf } from '../../models/embedder/vectors/maker.ts'

export interface ModelVectorsOptions {
  /** For messages. */
  readonly id: string
  /** Further readouts, by name. */
  readonly readouts: Readonly<Record<string, Readout>>
  /** A store of vectors: what it holds is not computed again. */
  readonly dir?: string
  readonly signal?: AbortSignal
  readonly warn?: (message: string) => void
  readonly onProgress?: (progress: { done: number; total: number }) => void
}

/** Vectors by readout and item. */
export interface ModelVectors {
  /** Undefined for an item that could not be embedded. */
  readonly of: (readout: string) => (item: KeyedItem) => Float32Array | undefined
  /** Of the items that could not be embedded, by key. */
  readonly skipped: ReadonlyMap<string, string>
}

/** Name of the contract's own readout. */
export const IN_USE = CONTRACT_READOUT

/** @throws as `Embedder.embed` and `embedAll` */
export async function modelVectors(
  subject: Subject,
  items: readonly KeyedItem[],
  { id, readouts, dir, signal, warn, onProgress }: ModelVectorsOptions,
): Promise<ModelVectors> {
  const embedder = await Embedder.over(withState(subject, { readouts }))
  try {
    const distinct = distinctOf(items)
    if (dir !== undefined) {
      const maker = await makerOf(embedder, { id })
      const options = { signal, warn, badItems: 'skip', onProgress } as const
      const made = await embedAll(dir, maker, distinct, options)
      const skipped = new Map(made.skipped.map(({ key, message }) => [key, message]))
      return {
        skipped,
        of: (readout) => (item) => (skipped.has(item.key) ? undefined : made.of(readout)(item.key)),
      }
    }
    const total = distinct.length
    const made = await embedder.embed(distinct, {
      signal,
      total,
      badItems: 'skip',
      onProgress: ({ done }) => onProgress?.({ done, total }),
    })
    const rowOf = new Map(made.kept.map((index, row) => [distinct[index]!.key, row]))
    return {
      skipped: new Map(made.skipped.map(({ index, message }) => [distinct[index]!.key, message])),
      of(readout) {
        const { data, dims } = readout === IN_USE ? made.vectors : made.readouts[readout]!
        const dim = dims[1] ?? 0
        return ({ key }) => {
          const row = rowOf.get(key)
          return row === undefined ? undefined : data.subarray(row * dim, (row + 1) * dim)
        }
      },
    }
  } finally {
    await embedder.close()
  }
}
