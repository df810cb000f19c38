/**
 * @file Vectors of a run that is not finished, beside the file that it will write: a killed run
 * goes on where it stopped. A line of JSON says what made the vectors. Records of equal size
 * follow: the sha256 of the item's key, its vectors, and a checksum. Bytes that a crash left half
 * written are cut off. A lock beside the journal keeps a second run of the same file away.
 */

import { createHash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { readFailure, writeFailure } from '../../../foundation/files/errors.ts'
import { makeFolder } from '../../../foundation/files/file.ts'
import { type Lock, lockAlone } from '../../../foundation/files/lock.ts'
import { EmbedderError } from '../errors.ts'
import { checkStored } from './check.ts'
import type { StoredVectors, VectorStore } from './store.ts'

const FORMAT = 'bifocal-vectors/2'
const headerSchema = z.object({
  format: z.literal(FORMAT),
  fingerprint: z.string(),
  /** Elements of each readout's vectors. */
  dims: z.array(z.int().positive()).min(1),
})
const KEY_BYTES = 32
const CHECK_BYTES = 4
/** No header is longer, line break included. */
const HEADER_BYTES = 2 ** 16
/** Milliseconds between two syncs: a power cut may cost the work of so long. */
const SYNC = 5000

/** Everything that decides the vectors of a journal. */
export interface JournalOptions {
  /** Of model and settings. */
  fingerprint: string
  readouts: readonly string[]
}

export class VectorJournal implements VectorStore {
  readonly readouts: readonly string[]
  readonly #path: string
  readonly #file: FileHandle
  readonly #lock: Lock
  readonly #fingerprint: string
  /**
   * Position in the file of the vectors of earlier runs. They stay on disk until they are asked
   * for.
   */
  readonly #known = new Map<string, number>()
  #dims: readonly number[] | undefined
  #end = 0
  #synced = 0

  private constructor(path: string, opened: { file: FileHandle; lock: Lock }, options: JournalOptions) {
    this.#path = path
    this.#file = opened.file
    this.#lock = opened.lock
    this.#fingerprint = options.fingerprint
    this.readouts = options.readouts
  }

  /**
   * Opens or starts the journal.
   * @throws EmbedderError `embedder/other-run` when other settings made the vectors in it, or when
   *   it is no journal; FileError `file/in-use` while another run has it open; FileError
   *   `file/read`, `file/write`
   */
  static async open(path: string, options: JournalOptions): Promise<VectorJournal> {
    const lock = await lockAlone(path)
    const opening = makeFolder(dirname(path)).then(() => open(path, 'a+'))
    const file = await opening.catch(async (cause: unknown) => {
      await lock.release()
      throw writeFailure(path, cause)
    })
    const journal = new VectorJournal(path, { file, lock }, options)
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
  async get(key: string): Promise<readonly Float32Array[] | undefined> {
    const place = this.#known.get(digestOf(key).toString('hex'))
    if (place === undefined || this.#dims === undefined) return undefined
    const all = new Float32Array(elementsOf(this.#dims))
    Buffer.from(all.buffer).set(await this.#read(place, all.byteLength))
    let end = 0
    return this.#dims.map((dim) => {
      end += dim
      return all.subarray(end - dim, end)
    })
  }

  /** @throws EmbedderError `embedder/store`; FileError `file/disk-full`, `file/write` */
  async put(entries: readonly StoredVectors[]): Promise<void> {
    const dims = checkStored(entries, this.readouts, this.#dims)
    if (dims === undefined || entries.length === 0) return
    const records = Buffer.concat(entries.map(recordOf))
    try {
      if (this.#dims === undefined)
        await this.#append(headerOf({ format: FORMAT, fingerprint: this.#fingerprint, dims: [...dims] }))
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
    const start = await this.#read(0, Math.min(size, HEADER_BYTES))
    const header = start.subarray(0, start.indexOf('\n') + 1)
    if (header.length > 0 || !this.#begins(start)) {
      const parsed = headerIn(header)
      if (parsed?.fingerprint !== this.#fingerprint || parsed.dims.length !== this.readouts.length) {
        throw new EmbedderError('other-run', {
          message: `${this.#path} holds vectors that another model, other settings or another version made`,
          hint: 'Run with the settings of before to go on, or delete the file to start anew.',
        })
      }
      this.#dims = parsed.dims
      this.#end = header.length
      await this.#loadRecords(parsed.dims, size)
    }
    if (this.#end < size) await this.#file.truncate(this.#end)
  }

  /** True where a file without a whole line begins as this journal does: a crash cut its header. */
  #begins(start: Buffer): boolean {
    const header = headerOf({ format: FORMAT, fingerprint: this.#fingerprint, dims: [] })
    // The numbers in `dims`, which close the line, are not known yet.
    const known = header.subarray(0, header.indexOf(']'))
    const length = Math.min(start.length, known.length)
    return start.subarray(0, length).equals(known.subarray(0, length))
  }

  /** Reads records until the end, or the first that is damaged. */
  async #loadRecords(dims: readonly number[], size: number): Promise<void> {
    const length = KEY_BYTES + 4 * elementsOf(dims) + CHECK_BYTES
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

function recordOf({ key, vectors }: StoredVectors): Buffer {
  const body = Buffer.concat([
    digestOf(key),
    ...vectors.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  ])
  const check = Buffer.alloc(CHECK_BYTES)
  check.writeUInt32LE(crc32(body))
  return Buffer.concat([body, check])
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function elementsOf(dims: readonly number[]): number {
  return dims.reduce((sum, dim) => sum + dim, 0)
}

function headerOf(header: z.infer<typeof headerSchema>): Buffer {
  return Buffer.from(`${JSON.stringify(header)}\n`)
}

function headerIn(bytes: Buffer): z.infer<typeof headerSchema> | undefined {
  try {
    return headerSchema.safeParse(JSON.parse(bytes.toString())).data
  } catch {
    return undefined
  }
}
