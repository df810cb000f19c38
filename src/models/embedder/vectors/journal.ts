/**
 * @file Vectors of a run that is not finished, beside the file that it will write: a killed run
 * goes on where it stopped. A line of JSON says what made the vectors; records of equal size
 * follow, each the item's key, its vector and a checksum. What a crash left half written is cut
 * off. A lock beside it keeps a second run of the same file away.
 */

import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { readFailure, writeFailure } from '../../../foundation/files/errors.ts'
import { makeFolder } from '../../../foundation/files/file.ts'
import { type Lock, lockAlone } from '../../../foundation/files/lock.ts'
import { EmbedderError } from '../errors.ts'
import type { StoredVector, VectorStore } from './store.ts'

const FORMAT = 'bifocal-vectors/1'
const headerSchema = z.object({
  format: z.literal(FORMAT),
  fingerprint: z.string(),
  dims: z.int().positive(),
})
const KEY_BYTES = 32
const CHECK_BYTES = 4
/** Of a header, line break included. */
const HEADER_BYTES = 256
/** Between two syncs, in ms: what a power cut may cost. */
const SYNC = 5000

export class VectorJournal implements VectorStore {
  readonly #path: string
  readonly #file: FileHandle
  readonly #lock: Lock
  readonly #fingerprint: string
  /**
   * Where the vectors of earlier runs begin, in bytes; they stay on disk until they are asked for.
   */
  readonly #known = new Map<string, number>()
  #dims: number | undefined
  #end = 0
  #synced = 0

  private constructor(path: string, opened: { file: FileHandle; lock: Lock }, fingerprint: string) {
    this.#path = path
    this.#file = opened.file
    this.#lock = opened.lock
    this.#fingerprint = fingerprint
  }

  /**
   * Opens or starts the journal.
   * @param fingerprint of everything that decides the vectors
   * @throws EmbedderError `embedder/other-run` when other settings made what it holds; FileError
   *   `file/in-use` while another run has it open; FileError `file/read`, `file/write`
   */
  static async open(path: string, fingerprint: string): Promise<VectorJournal> {
    const lock = await lockAlone(path)
    const opening = makeFolder(dirname(path)).then(() => open(path, 'a+'))
    const file = await opening.catch(async (cause: unknown) => {
      await lock.release()
      throw writeFailure(path, cause)
    })
    const journal = new VectorJournal(path, { file, lock }, fingerprint)
    try {
      await journal.#load()
    } catch (error) {
      await file.close()
      await lock.release()
      throw error
    }
    return journal
  }

  /** Vectors that earlier runs left. */
  get size(): number {
    return this.#known.size
  }

  /** @throws FileError `file/read` */
  async get(key: string): Promise<Float32Array | undefined> {
    const place = this.#known.get(key)
    if (place === undefined || this.#dims === undefined) return undefined
    const vector = new Float32Array(this.#dims)
    Buffer.from(vector.buffer).set(await this.#read(place, vector.byteLength))
    return vector
  }

  /** @throws FileError `file/disk-full`, `file/write` */
  async put(entries: readonly StoredVector[]): Promise<void> {
    const dims = entries[0]?.vector.length
    if (dims === undefined) return
    const records = Buffer.concat(entries.map(recordOf))
    try {
      if (this.#dims === undefined)
        await this.#append(headerOf({ format: FORMAT, fingerprint: this.#fingerprint, dims }))
      this.#dims = dims
      await this.#append(records)
      if (performance.now() - this.#synced > SYNC) {
        await this.#file.datasync()
        this.#synced = performance.now()
      }
    } catch (cause) {
      throw writeFailure(this.#path, cause)
    }
  }

  /** Keeps the file: an interrupted run. */
  async close(): Promise<void> {
    await this.#file.close()
    if (this.#dims === undefined) await rm(this.#path, { force: true })
    await this.#lock.release()
  }

  /** The run is finished: its vectors are elsewhere. */
  async remove(): Promise<void> {
    await this.#file.close()
    await rm(this.#path, { force: true })
    await this.#lock.release()
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten
    this.#end += bytes.length
  }

  async #load(): Promise<void> {
    const { size } = await this.#file.stat()
    const header = await this.#read(0, Math.min(size, HEADER_BYTES))
    const parsed = header.length < HEADER_BYTES ? undefined : headerIn(header)
    if (header.length === HEADER_BYTES && parsed?.fingerprint !== this.#fingerprint) {
      throw new EmbedderError('other-run', {
        message: `${this.#path} holds vectors that another model or other settings made`,
        hint: 'Run with the settings of before to go on, or delete the file to start anew.',
      })
    }
    if (parsed !== undefined) {
      this.#dims = parsed.dims
      this.#end = HEADER_BYTES
      await this.#loadRecords(parsed.dims, size)
    }
    if (this.#end < size) await this.#file.truncate(this.#end)
  }

  /** Reads records until the end, or the first that is damaged. */
  async #loadRecords(dims: number, size: number): Promise<void> {
    const length = KEY_BYTES + 4 * dims + CHECK_BYTES
    const together = Math.max(1, Math.floor(2 ** 23 / length))
    while (this.#end + length <= size) {
      const bytes = await this.#read(
        this.#end,
        Math.min(together, Math.floor((size - this.#end) / length)) * length,
      )
      for (let at = 0; at + length <= bytes.length; at += length) {
        const record = bytes.subarray(at, at + length)
        const body = record.subarray(0, length - CHECK_BYTES)
        if (crc32(body) !== record.readUInt32LE(body.length)) return
        this.#known.set(body.toString('hex', 0, KEY_BYTES), this.#end + KEY_BYTES)
        this.#end += length
      }
    }
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length)
    let done = 0
    while (done < length) {
      const { bytesRead } = await this.#file
        .read(bytes, done, length - done, position + done)
        .catch((cause: unknown) => {
          throw readFailure(this.#path, cause)
        })
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  }
}

function recordOf({ key, vector }: StoredVector): Buffer {
  const body = Buffer.concat([
    Buffer.from(key, 'hex'),
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
  ])
  const check = Buffer.alloc(CHECK_BYTES)
  check.writeUInt32LE(crc32(body))
  return Buffer.concat([body, check])
}

function headerOf(header: z.infer<typeof headerSchema>): Buffer {
  return Buffer.from(`${JSON.stringify(header).padEnd(HEADER_BYTES - 1)}\n`)
}

function headerIn(bytes: Buffer): z.infer<typeof headerSchema> | undefined {
  try {
    return headerSchema.safeParse(JSON.parse(bytes.toString())).data
  } catch {
    return undefined
  }
}
