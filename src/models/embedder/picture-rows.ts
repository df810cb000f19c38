/**
 * @file Image rows of pictures: the tower and projector run once for each distinct picture; a batch
 * shares one table.
 */

import { f32Of } from '../../engine/runtime/results.ts'
import { f32, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { rowWidth } from '../families/decoder-inputs.ts'
import type { PreparedItem } from '../families/family.ts'
import type { VisionLanguageModel } from '../families/model.ts'
import { chunks } from './batching.ts'
import type { EmbedderSessions, LazySession } from './sessions.ts'

/** An item and the name of its picture. */
export interface PicturedItem {
  readonly item: PreparedItem
  readonly pictureKey: string | undefined
  /** Makes the views again; only where `item` was kept without them. */
  readonly again?: () => Promise<PreparedItem>
}

/** The image rows of a batch. */
export interface RowTable {
  /** `[rows, hidden]`; one row of zeros where no item has a picture. */
  readonly rows: Tensor<'f32'>
  /** An item's `imageIndex`, into `rows`. */
  index(item: PicturedItem): readonly number[]
}

/**
 * Keeps image rows beside the memory of a process, by the key of their picture. The rows that all
 * pictures share have an empty key.
 */
export interface RowStore {
  has(key: string): boolean
  /** Undefined where there are none, or they can't be read. */
  read(key: string): Promise<Float32Array | undefined>
  /** Keeps rows, or doesn't. */
  write(key: string, rows: Float32Array): Promise<void>
}

/** Bytes of rows that are kept for pictures that come again. */
const CACHE_BYTES = 256 * 2 ** 20
/** The key under which a store has the rows that all pictures share. */
const SHARED = ''
/** Pixels of all channels in one run of the tower. */
const PIXELS_A_RUN = 2 ** 22

export class PictureRows {
  readonly #most: number
  readonly #store: RowStore | undefined
  readonly #cached = new Map<string, Float32Array>()
  #cachedBytes = 0
  /** The rows that a family puts after the views' tokens (a newline): equal for all pictures. */
  #shared = new Float32Array(0)
  readonly #session: LazySession
  readonly #view: readonly number[]
  readonly #width: number
  #tokensPerView = 0

  /**
   * @param most  bytes of rows that are kept in memory; default 256 MiB
   * @param store keeps them beyond that
   */
  constructor(model: VisionLanguageModel, sessions: EmbedderSessions, most = CACHE_BYTES, store?: RowStore) {
    this.#most = most
    this.#store = store
    this.#view = model.shape.view
    this.#width = rowWidth(model.shape)
    this.#session = sessions.session('tower', (scope) => {
      const { stages, rows } = model.buildVision(
        scope,
        scope.graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
      )
      this.#tokensPerView = Number(Object.values(stages).at(-1)?.dims[1])
      scope.graph.output('rows', rows)
    })
  }

  /** Opens the tower's session now. */
  async open(): Promise<void> {
    await this.#session.open()
  }

  /** Whether the rows of a picture are at hand. */
  has(pictureKey: string): boolean {
    return this.#cached.has(pictureKey) || (this.#store?.has(pictureKey) ?? false)
  }

  /** The table of a batch. Pictures without rows are run. */
  async table(batch: readonly PicturedItem[], signal?: AbortSignal): Promise<RowTable> {
    const pictures = new Map<string, PicturedItem>()
    // Of two items with one picture the one that still has its views, where there is one.
    for (const item of batch) {
      const { pictureKey } = item
      if (pictureKey !== undefined && (item.again === undefined || !pictures.has(pictureKey)))
        pictures.set(pictureKey, item)
    }
    if (pictures.size === 0)
      return {
        rows: f32([1, this.#width], new Float32Array(this.#width)),
        index: ({ item }) => item.imageIndex,
      }
    const found = await this.#rowsOf(pictures, signal)
    const starts = new Map<string, number>()
    let count = 0
    for (const [key, rows] of found) {
      starts.set(key, count)
      count += rows.length / this.#width
    }
    const sharedStart = count
    const data = new Float32Array(count * this.#width + this.#shared.length)
    for (const [key, rows] of found) data.set(rows, starts.get(key)! * this.#width)
    data.set(this.#shared, sharedStart * this.#width)
    return {
      rows: f32([data.length / this.#width, this.#width], data),
      index: ({ item, pictureKey }) => {
        const own = pictureKey === undefined ? 0 : found.get(pictureKey)!.length / this.#width
        const start = pictureKey === undefined ? 0 : starts.get(pictureKey)!
        return item.imageIndex.map((row) =>
          row < 0 ? -1 : row < own ? start + row : sharedStart + row - own,
        )
      },
    }
  }

  /**
   * `[views · tokens, hidden]` of each picture; all that the tower gives for one with feeds of its
   * own.
   */
  async #rowsOf(
    pictures: ReadonlyMap<string, PicturedItem>,
    signal?: AbortSignal,
  ): Promise<Map<string, Float32Array>> {
    const found = new Map<string, Float32Array>()
    const missing: { key: string; item: PreparedItem }[] = []
    for (const [key, { item, again }] of pictures) {
      const cached = this.#cached.get(key) ?? (await this.#stored(key))
      if (cached !== undefined) found.set(key, cached)
      else missing.push({ key, item: again === undefined ? item : await again() })
    }
    const apart = missing.filter(({ item }) => item.visionFeeds !== undefined)
    for (const { key, item } of apart) {
      const results = await this.#session.run(
        { pixel_values: this.#pixels(item.views), ...item.visionFeeds },
        { signal },
      )
      const { data } = f32Of(results, 'rows')
      found.set(key, data)
      this.#keep(key, data)
      await this.#store?.write(key, data)
    }
    const together = missing.filter(({ item }) => item.visionFeeds === undefined)
    const views = together.flatMap(({ key, item }) => item.views.map((view) => ({ key, view })))
    const parts = new Map<string, Float32Array[]>(together.map(({ key }) => [key, []]))
    const width = this.#tokensPerView * this.#width
    for (const chunk of chunks(views, Math.max(1, Math.floor(PIXELS_A_RUN / sizeOf(this.#view))))) {
      const results = await this.#session.run(
        { pixel_values: this.#pixels(chunk.map(({ view }) => view)) },
        { signal },
      )
      const { data } = f32Of(results, 'rows')
      for (const [i, { key }] of chunk.entries())
        parts.get(key)!.push(data.subarray(i * width, (i + 1) * width))
      this.#shared = data.slice(chunk.length * width)
    }
    if (together.length > 0 && !this.#store?.has(SHARED)) await this.#store?.write(SHARED, this.#shared)
    for (const [key, list] of parts) {
      const joined = new Float32Array(list.length * width)
      for (const [i, part] of list.entries()) joined.set(part, i * width)
      found.set(key, joined)
      this.#keep(key, joined)
      await this.#store?.write(key, joined)
    }
    return found
  }

  /**
   * Rows of a picture that the store has. Those that all pictures share are taken from it too,
   * where no picture has run in this process yet.
   */
  async #stored(key: string): Promise<Float32Array | undefined> {
    if (!this.#store?.has(key)) return undefined
    const shared =
      this.#tokensPerView > 0 && this.#shared.length === 0 ? await this.#store.read(SHARED) : undefined
    if (shared !== undefined) this.#shared = Float32Array.from(shared)
    const rows = await this.#store.read(key)
    if (rows !== undefined) this.#keep(key, rows)
    return rows
  }

  /** `[views, …view]` */
  #pixels(views: readonly Tensor<'f32'>[]): Tensor<'f32'> {
    const data = new Float32Array(views.length * sizeOf(this.#view))
    for (const [i, view] of views.entries()) data.set(view.data, i * sizeOf(this.#view))
    return f32([views.length, ...this.#view], data)
  }

  /** Oldest out first. */
  #keep(key: string, rows: Float32Array): void {
    this.#cached.set(key, rows)
    this.#cachedBytes += rows.byteLength
    for (const [oldest, held] of this.#cached) {
      if (this.#cachedBytes <= this.#most) break
      this.#cached.delete(oldest)
      this.#cachedBytes -= held.byteLength
    }
  }
}
