/**
 * @file A folder of vectors, content-addressed: `DIR/HASH/CHUNK.safetensors` and `.jsonl`, where
 * HASH is of the model and the readouts, and CHUNK of the items. Stores of two machines merge by
 * copying files. Python reads both kinds of file.
 */

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { removeAbandoned } from '../../../foundation/files/temporary.ts'
import { CheckpointError } from '../../checkpoint/errors.ts'
import { EmbedderError } from '../errors.ts'
import { checkStored } from './check.ts'
import { type ChunkOptions, readKeys, readRows, writeChunk } from './chunk.ts'
import type { StoredVectors, VectorStore } from './store.ts'

export interface VectorFolderOptions extends ChunkOptions {
  /** Told of each chunk that is damaged: its items count as absent. */
  warn?: (message: string) => void
}

export class VectorFolder implements VectorStore {
  readonly path: string
  readonly #options: VectorFolderOptions
  /** For each key the chunk that holds it, and its row there. */
  readonly #places = new Map<string, { chunk: string; row: number }>()
  /** Number of rows of each chunk. */
  readonly #rows = new Map<string, number>()
  /** The chunk that was read last: items are mostly asked for in its order. */
  #last: { chunk: string; vectors: readonly Float32Array[][] } | undefined

  private constructor(path: string, options: VectorFolderOptions) {
    this.path = path
    this.#options = options
  }

  /**
   * Reads the lists of the chunks, and no vector yet.
   * @param dir may be absent: it is made when vectors are put
   * @throws FileError
   */
  static async open(dir: string, options: VectorFolderOptions): Promise<VectorFolder> {
    const { fingerprint, readouts } = options
    const hash = createHash('sha256')
      .update(JSON.stringify([fingerprint, readouts]))
      .digest('hex')
    const path = join(dir, hash.slice(0, 24))
    const folder = new VectorFolder(path, options)
    if (existsSync(path)) await folder.#load()
    return folder
  }

  get readouts(): readonly string[] {
    return this.#options.readouts
  }

  /** Items that have vectors here. */
  get size(): number {
    return this.#places.size
  }

  /** Whether an item has vectors here, unless they prove damaged when they are read. */
  has(key: string): boolean {
    return this.#places.has(key)
  }

  /** @throws FileError */
  async get(key: string): Promise<readonly Float32Array[] | undefined> {
    const place = this.#places.get(key)
    if (place === undefined) return undefined
    return (await this.#vectorsOf(place.chunk))?.[place.row]
  }

  /** The vectors of those keys that have some. Each chunk is read once. @throws FileError */
  async all(keys: readonly string[]): Promise<Map<string, readonly Float32Array[]>> {
    const found = new Map<string, readonly Float32Array[]>()
    const wanted = new Map<string, Map<string, number>>()
    for (const key of keys) {
      const place = this.#places.get(key)
      if (place === undefined) continue
      const rows = wanted.get(place.chunk) ?? new Map<string, number>()
      wanted.set(place.chunk, rows.set(key, place.row))
    }
    for (const [chunk, rows] of wanted) {
      const vectors = await this.#vectorsOf(chunk)
      if (vectors !== undefined) for (const [key, row] of rows) found.set(key, vectors[row]!)
    }
    return found
  }

  /**
   * Writes one chunk.
   * @throws EmbedderError `embedder/store`; FileError `file/disk-full`, `file/write`
   */
  async put(entries: readonly StoredVectors[]): Promise<void> {
    if (entries.length === 0) return
    checkStored(entries, this.readouts)
    const chunk = await writeChunk(this.path, this.#options, entries)
    this.#add(
      chunk,
      entries.map(({ key }) => key),
    )
  }

  async #load(): Promise<void> {
    await removeAbandoned(this.path)
    const files = new Set(await readdir(this.path))
    for (const file of [...files].sort()) {
      const chunk = file.replace(/\.jsonl$/, '')
      if (chunk === file || !files.has(`${chunk}.safetensors`)) continue
      const keys = await this.#sound(chunk, () => readKeys(this.path, chunk))
      if (keys !== undefined) this.#add(chunk, keys)
    }
  }

  #add(chunk: string, keys: readonly string[]): void {
    this.#rows.set(chunk, keys.length)
    // Two machines may have computed an item each: the first chunk by name counts.
    for (const [row, key] of keys.entries()) if (!this.#places.has(key)) this.#places.set(key, { chunk, row })
  }

  /** @returns undefined where the chunk is damaged; its items then count as absent */
  async #vectorsOf(chunk: string): Promise<readonly Float32Array[][] | undefined> {
    if (this.#last?.chunk === chunk) return this.#last.vectors
    const rows = this.#rows.get(chunk) ?? 0
    const vectors = await this.#sound(chunk, () => readRows(this.path, chunk, this.#options, rows))
    if (vectors !== undefined) this.#last = { chunk, vectors }
    else for (const [key, place] of this.#places) if (place.chunk === chunk) this.#places.delete(key)
    return vectors
  }

  async #sound<T>(chunk: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof CheckpointError || error instanceof EmbedderError)) throw error
      this.#options.warn?.(`${error.message}; its vectors are computed again`)
      // Without their list the vectors are ignored, whether or not the same items come together
      // again.
      await rm(join(this.path, `${chunk}.jsonl`), { force: true })
      return undefined
    }
  }
}
