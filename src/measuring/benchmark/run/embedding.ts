/** @file The vectors of all contestants: each model in turn, its items chunk by chunk. */

import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import type { KeyedItem } from '../../../inputs/data/item.ts'
import { VectorFolder } from '../../../models/embedder/vectors/folder.ts'
import { type Shard, type StoredAll, storeAll } from '../../../models/embedder/vectors/storing.ts'
import { BenchmarkError } from '../errors.ts'
import type { ItemFailure } from '../suites/suite.ts'
import { distinctItems } from './budget.ts'
import type { Contestant } from './contestant.ts'
import type { RunRecord } from './files.ts'
import type { OpenedTask } from './opening.ts'
import type { EvaluateOptions } from './options.ts'

export interface Embedded {
  /** By the id of the contestant. */
  readonly folders: ReadonlyMap<string, VectorFolder>
  readonly failures: Map<string, ReadonlyMap<string, ItemFailure>>
  readonly counts: RunRecord['vectors']
}

export interface EmbeddingOptions extends Pick<EvaluateOptions, 'signal' | 'onProgress' | 'warn' | 'strict'> {
  /** Folder of the stored vectors. */
  readonly store: string
  readonly shard?: Shard
  /** Failures that other machines met: these items are not tried again. */
  readonly known?: ReadonlyMap<string, ReadonlyMap<string, ItemFailure>>
  /** Whether all vectors have to be stored already. */
  readonly complete?: boolean
}

/**
 * Embeds the items of all tasks. A model opens only where it has something to compute.
 * @throws as `storeAll`; with `strict` the error of the first bad item
 */
export async function embedTasks(
  opened: readonly OpenedTask[],
  contestants: readonly Contestant[],
  options: EmbeddingOptions,
): Promise<Embedded> {
  const folders = new Map<string, VectorFolder>()
  const failures = new Map<string, ReadonlyMap<string, ItemFailure>>()
  const counts: RunRecord['vectors'] = []
  for (const contestant of contestants) {
    if (options.signal?.aborted) throw new InterruptedError('embedding', options.signal)
    const { id } = contestant.model
    const start = performance.now()
    const known = options.known?.get(id) ?? new Map<string, ItemFailure>()
    const items = distinctItems(opened, contestant)
    const folder = await folderOf(contestant, options)
    const made = await stored(contestant, items, { folder, known, options })
    folders.set(id, folder)
    failures.set(id, new Map([...known, ...made.skipped.map(({ key, ...why }) => [key, why] as const)]))
    const { resumed, computed } = made
    const seconds = (performance.now() - start) / 1000
    counts.push({ model: id, items: made.items, resumed, computed, seconds })
  }
  return { folders, failures, counts }
}

/** The folder of a contestant's vectors. @throws FileError */
export async function folderOf(
  { model: { fingerprint, readouts } }: Contestant,
  { store, warn }: Pick<EmbeddingOptions, 'store' | 'warn'>,
): Promise<VectorFolder> {
  return await VectorFolder.open(store, { fingerprint: fingerprint ?? '', readouts, warn })
}

async function stored(
  contestant: Contestant,
  items: readonly KeyedItem[],
  at: { folder: VectorFolder; known: ReadonlyMap<string, ItemFailure>; options: EmbeddingOptions },
): Promise<StoredAll> {
  const { folder, known, options } = at
  const { strict, signal, shard, onProgress } = options
  const { label } = contestant.model
  // Borders of chunks depend on the whole list: items that failed elsewhere stay in it.
  const absent = (key: string) => !folder.has(key) && !known.has(key)
  if (!items.some(({ key }) => absent(key)))
    return { items: items.length, resumed: items.length - known.size, computed: 0, skipped: [] }
  if (options.complete) throw incomplete(label, items.filter(({ key }) => absent(key)).length)
  const { maker, close } = await contestant.open()
  try {
    return await storeAll(folder, maker, items, {
      signal,
      shard,
      isKnown: (key) => known.has(key),
      badItems: strict ? 'throw' : 'skip',
      onProgress: ({ done, total }) => onProgress?.({ label: `embedding with ${label}`, done, total }),
    })
  } finally {
    await close()
  }
}

function incomplete(model: string, missing: number): BenchmarkError {
  return new BenchmarkError('missing-shard', {
    message: `${missing} vectors of ${model} are in none of the shards`,
    hint: 'Run each shard again: what it has is kept, what is missing or damaged is computed.',
  })
}
