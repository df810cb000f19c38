/** @file Evaluates a dataset: vectors, cosines, predictions and scores of every row. */

import { dot } from '../../../foundation/numeric/linear.ts'
import { stacked } from '../../../foundation/numeric/rows.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../../inputs/data/item.ts'
import { type MmebDataset, withoutItems } from '../../../inputs/data/mmeb/dataset.ts'
import type { Task } from '../../../inputs/data/task.ts'
import type { Embedder } from '../../../models/embedder/embedder.ts'
import { CONTRACT_READOUT } from '../../../models/embedder/embedding.ts'
import type { VectorOf } from '../../../models/embedder/vectors/all.ts'
import type { StoredVectors, VectorStore } from '../../../models/embedder/vectors/store.ts'
import { evaluateTask, type TaskScores } from '../../benchmark/evaluate.ts'
import type { PerMetric } from '../../benchmark/metrics.ts'
import { itemsOf } from '../../benchmark/task.ts'
import { VerifyError } from '../errors.ts'

/** Keeps the vectors of one embedder: datasets share most of their items. */
export class MemoryStore implements VectorStore {
  readonly readouts = [CONTRACT_READOUT]
  readonly #vectors = new Map<string, readonly Float32Array[]>()

  async get(key: string): Promise<readonly Float32Array[] | undefined> {
    return this.#vectors.get(key)
  }

  async put(entries: readonly StoredVectors[]): Promise<void> {
    for (const { key, vectors } of entries) this.#vectors.set(key, vectors)
  }
}

/** An embedder and what it has made. */
export interface StoringEmbedder {
  readonly embedder: Embedder
  readonly store: MemoryStore
}

/** A dataset without the rows that could not be embedded, and the vectors of the others. */
export interface EmbeddedDataset {
  readonly dataset: MmebDataset
  readonly vectorOf: VectorOf
}

/** Embeds every item of a dataset. Rows with an item that has no vector are left out whole. */
export async function embedDataset(
  { embedder, store }: StoringEmbedder,
  dataset: MmebDataset,
): Promise<EmbeddedDataset> {
  const items = itemsOf([dataset.task], 'test')
  const { vectors, kept, skipped } = await embedder.embed(items, {
    badItems: 'skip',
    blank: 'embed',
    proven: true,
    store,
  })
  const [, dim = 0] = vectors.dims
  const rows = new Map(
    kept.map((index, row) => [items[index]!.key, vectors.data.subarray(row * dim, (row + 1) * dim)]),
  )
  const failures = new Map(skipped.map(({ index, ...why }) => [items[index]!.key, why]))
  return {
    dataset: withoutItems(dataset, failures),
    vectorOf: (key) => {
      const vector = rows.get(key)
      if (vector !== undefined) return vector
      throw new VerifyError('fixture', {
        message: `the item ${key} has no vector`,
        hint: 'This is a fault of the verification.',
      })
    },
  }
}

/** Different items in the order in which they first come: all queries, all candidates. */
export function uniqueItems({ test }: Task): { queries: KeyedItem[]; candidates: KeyedItem[] } {
  return {
    queries: [...new Set(test.map(({ query }) => query))],
    candidates: [...new Set(test.flatMap(({ candidates }) => candidates))],
  }
}

/** `[items, dim]` */
export function vectorsOf(items: readonly KeyedItem[], vectorOf: VectorOf): Tensor<'f32'> {
  return stacked(items.map(({ key }) => vectorOf(key)))
}

/** Values of every row, in order. */
export interface DatasetValues {
  readonly cosines: readonly (readonly number[])[]
  readonly scores: TaskScores
}

export async function valuesOf({ dataset: { task }, vectorOf }: EmbeddedDataset): Promise<DatasetValues> {
  return {
    cosines: task.test.map(({ query, candidates }) => {
      const own = vectorOf(query.key)
      return candidates.map(({ key }) => dot(own, vectorOf(key)))
    }),
    scores: await evaluateTask(task, vectorOf),
  }
}

/** The fixture's names of measures that are not ours. */
const METRICS: Readonly<Record<string, string>> = { hit1_published: 'firstWins', hit1_strict: 'strict' }

/** `unique_ndcg5` → `uniqueNdcg5`, the name in the table of metrics. */
export function metricOf(name: string): string {
  return METRICS[name] ?? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The mean of each metric over the rows. */
export function meansOf({ rows }: TaskScores): PerMetric {
  return Object.fromEntries(
    Object.keys(rows[0]?.metrics ?? {}).map((name) => [
      name,
      mean(rows.map(({ metrics }) => metrics[name]!)),
    ]),
  )
}
