/**
 * @file Bytes that can be read in any order: of a file, of a part of another source, of memory.
 * Readers of tables, archives and pictures take a `ByteSource`, so that they need not know where
 * the bytes are.
 */

import type { FileHandle } from 'node:fs/promises'
import { FileError, readFailure } from './errors.ts'
import { openToRead, readAll } from './file.ts'

/** A sequence of bytes that can be read from any place. */
export interface ByteSource {
  /** For messages: a path, `ARCHIVE: MEMBER`, an address. */
  readonly name: string
  /** In bytes. */
  readonly size: number
  /**
   * Reads `length` bytes from byte `start`, neither more nor fewer.
   * @throws FileError `file/read` for a range outside the source, `file/changed` where the source
   *   is not what it was when it was opened
   */
  read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>>
  /** Lets go of what the source holds open. A second call does nothing. */
  close(): Promise<void>
}

/**
 * Opens a file. It stays open until `close`.
 * @throws FileError `file/missing`, `file/read`
 */
export async function fileSource(path: string): Promise<ByteSource> {
  const file = await openToRead(path)
  try {
    const opened = await file.stat()
    return new FileSource(path, file, opened.size, opened.mtimeMs)
  } catch (cause) {
    await file.close()
    throw readFailure(path, cause)
  }
}

class FileSource implements ByteSource {
  readonly name: string
  readonly size: number
  readonly #file: FileHandle
  readonly #modified: number
  #closed = false

  constructor(path: string, file: FileHandle, size: number, modified: number) {
    this.name = path
    this.size = size
    this.#file = file
    this.#modified = modified
  }

  async read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(this, start, length)
    const bytes = new Uint8Array(length)
    const count = await readAll(this.#file, this.name, bytes, start)
    const { size, mtimeMs } = await this.#file.stat()
    if (count === length && size === this.size && mtimeMs === this.#modified) return bytes
    throw new FileError('changed', {
      message: `${this.name} changed while it was used: it had ${this.size} bytes, it has ${size}`,
      hint: 'Leave the file alone until the command ends, and start it again.',
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#file.close()
  }
}

/** Bytes that are in memory. */
export function memoryBytes(name: string, bytes: Uint8Array): ByteSource {
  const source: ByteSource = {
    name,
    size: bytes.length,
    read: async (start, length) => {
      checkRange(source, start, length)
      // A copy: `slice` of a Buffer is none.
      return new Uint8Array(bytes.subarray(start, start + length))
    },
    close: async () => {},
  }
  return source
}

/**
 * A part of another source, under a name of its own. Closing it leaves the other one open.
 * @throws FileError `file/read` for a part that is not within the source
 */
export function partOf(whole: ByteSource, name: string, from: number, size: number): ByteSource {
  checkRange(whole, from, size)
  const part: ByteSource = {
    name,
    size,
    read: async (start, length) => {
      checkRange(part, start, length)
      return await whole.read(from + start, length)
    },
    close: async () => {},
  }
  return part
}

/**
 * Opens a file for something that takes it over. Where that fails, the file is closed.
 * @throws as `fileSource`; what `work` throws
 */
export async function withFileSource<T>(
  path: string,
  work: (source: ByteSource) => T | Promise<T>,
): Promise<T> {
  const source = await fileSource(path)
  try {
    return await work(source)
  } catch (cause) {
    await source.close()
    throw cause
  }
}

/** Reads a source from its start to its end, in pieces. */
export async function* piecesOfSource(source: ByteSource, piece = 2 ** 20): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += piece)
    yield await source.read(at, Math.min(piece, source.size - at))
}

/** @throws FileError `file/read` */
function checkRange({ name, size }: Pick<ByteSource, 'name' | 'size'>, start: number, length: number): void {
  if (
    Number.isSafeInteger(start) &&
    Number.isSafeInteger(length) &&
    start >= 0 &&
    length >= 0 &&
    start + length <= size
  )
    return
  throw new FileError('read', {
    message: `${name} has ${size} bytes: there are none from ${start} to ${start + length}`,
    hint: 'The file is cut short, or what points into it is damaged: fetch it again.',
  })
}
