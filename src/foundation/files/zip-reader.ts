/** @file A source of bytes in the form that the reader of zip directories asks for. */

import { Readable } from 'node:stream'
import { RandomAccessReader } from 'yauzl'
import type { ByteSource } from './byte-source.ts'

/** Bytes that are read at once: the directory is asked for in small parts, one after another. */
const WINDOW = 2 ** 18

/** Reads ahead, so that a directory of many members takes few reads. */
export function readAhead(source: ByteSource): RandomAccessReader {
  return new SourceReader(source)
}

class SourceReader extends RandomAccessReader {
  readonly #source: ByteSource
  #start = 0
  #bytes = new Uint8Array(0)

  constructor(source: ByteSource) {
    super()
    this.#source = source
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#range(position, length).then(
      (bytes) => {
        buffer.set(bytes, offset)
        callback(null)
      },
      (error: Error) => callback(error),
    )
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(one(this.#range(start, end - start)))
  }

  async #range(start: number, length: number): Promise<Uint8Array> {
    if (start < this.#start || start + length > this.#start + this.#bytes.length) {
      this.#bytes = await this.#source.read(
        start,
        Math.max(length, Math.min(WINDOW, this.#source.size - start)),
      )
      this.#start = start
    }
    return this.#bytes.subarray(start - this.#start, start - this.#start + length)
  }
}

async function* one(bytes: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes
}
