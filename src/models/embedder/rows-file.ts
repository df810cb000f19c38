/**
 * @file Image rows on disk, for a training that sees the same pictures again and again: a file of
 * records that only grows. A record that a kill left half written is cut off at the next opening;
 * one that is damaged counts as absent.
 */

import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, readAll, sizeOfFile, writeAll } from '../../foundation/files/file.ts'
import type { RowStore } from './picture-rows.ts'

const FORMAT = 'bifocal-rows/1'
/** Before each record: bytes of its key, floats of its rows, checksum of both. */
const HEAD_BYTES = 12
/** 8 GiB: 900 pictures of 576 rows, 4096 wide. */
const MOST_BYTES = 8 * 2 ** 30

export interface RowsFileOptions {
  /** Hash of all that decides the rows: a file of another one is begun anew. */
  fingerprint: string
  /** Bytes of the file, at most: rows beyond are not kept. Default 8 GiB. */
  most?: number
}

interface Place {
  readonly offset: number
  readonly keyBytes: number
  readonly floats: number
  readonly check: number
}

export class RowsFile implements RowStore {
  readonly #path: string
  readonly #file: FileHandle
  readonly #most: number
  readonly #places = new Map<string, Place>()
  #end = 0

  private constructor(path: string, file: FileHandle, most: number) {
    this.#path = path
    this.#file = file
    this.#most = most
  }

  /** @throws FileError `file/write`, `file/read` */
  static async open(path: string, { fingerprint, most = MOST_BYTES }: RowsFileOptions): Promise<RowsFile> {
    const opening = makeFolder(dirname(path)).then(async () => {
      // Makes the file where there is none; `r+` alone does not.
      await (await open(path, 'a')).close()
      return await open(path, 'r+')
    })
    const file = await opening.catch((cause: unknown) => {
      throw writeFailure(path, cause)
    })
    const rows = new RowsFile(path, file, most)
    try {
      await rows.#load(Buffer.from(`${FORMAT} ${fingerprint}\n`))
    } catch (error) {
      await file.close()
      throw error
    }
    return rows
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  async read(key: string): Promise<Float32Array | undefined> {
    const place = this.#places.get(key)
    if (place === undefined) return undefined
    const { offset, keyBytes, floats, check } = place
    const bytes = new Uint8Array(keyBytes + 4 * floats)
    const done = await readAll(this.#file, this.#path, bytes, offset + HEAD_BYTES)
    if (done === bytes.length && crc32(bytes) === check) return new Float32Array(bytes.buffer.slice(keyBytes))
    this.#places.delete(key)
    return undefined
  }

  async write(key: string, rows: Float32Array): Promise<void> {
    const name = Buffer.from(key)
    const size = HEAD_BYTES + name.length + rows.byteLength
    if (this.has(key) || this.#end + size > this.#most) return
    const record = Buffer.alloc(size)
    name.copy(record, HEAD_BYTES)
    record.set(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength), HEAD_BYTES + name.length)
    const check = crc32(record.subarray(HEAD_BYTES))
    record.writeUInt32LE(name.length, 0)
    record.writeUInt32LE(rows.length, 4)
    record.writeUInt32LE(check, 8)
    const place = { offset: this.#end, keyBytes: name.length, floats: rows.length, check }
    this.#end += size
    await writeAll(this.#file, record, place.offset).catch((cause: unknown) => {
      throw writeFailure(this.#path, cause)
    })
    this.#places.set(key, place)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  /** Finds the records of earlier runs; a file of other rows is emptied. */
  async #load(header: Buffer): Promise<void> {
    const size = await sizeOfFile(this.#path)
    const found = Buffer.alloc(header.length)
    await readAll(this.#file, this.#path, found, 0)
    if (!found.equals(header)) {
      await this.#file.truncate(0)
      await writeAll(this.#file, header, 0)
      this.#end = header.length
      return
    }
    let offset = header.length
    const head = Buffer.alloc(HEAD_BYTES)
    while (offset + HEAD_BYTES <= size) {
      await readAll(this.#file, this.#path, head, offset)
      const place = {
        offset,
        keyBytes: head.readUInt32LE(0),
        floats: head.readUInt32LE(4),
        check: head.readUInt32LE(8),
      }
      const end = offset + HEAD_BYTES + place.keyBytes + 4 * place.floats
      if (end > size) break
      const name = Buffer.alloc(place.keyBytes)
      await readAll(this.#file, this.#path, name, offset + HEAD_BYTES)
      this.#places.set(name.toString(), place)
      offset = end
    }
    await this.#file.truncate(offset)
    this.#end = offset
  }
}
