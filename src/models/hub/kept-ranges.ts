/**
 * @file Ranges of a large file, kept on disk in blocks: a picture in an archive on the hub is read
 * twice, for its key and for its pixels, and by every later run.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource } from '../../foundation/files/byte-source.ts'
import { makeFolder, writeFileAtomic } from '../../foundation/files/file.ts'

/** Bytes of a block. A picture of the benchmarks has about 50 kB. */
const BLOCK = 2 ** 17

/**
 * A source whose bytes are asked for once. Where the disk takes no block, it is asked for again.
 * @param folder of this one file at this one state: by its checksum
 */
export function keptRanges(source: ByteSource, folder: string): ByteSource {
  const sizeOf = (block: number) => Math.min(BLOCK, source.size - block * BLOCK)
  const stored = async (block: number): Promise<Uint8Array | undefined> => {
    const bytes = await readFile(join(folder, String(block))).catch(() => undefined)
    return bytes?.length === sizeOf(block) ? bytes : undefined
  }
  const keep = async (block: number, bytes: Uint8Array): Promise<void> => {
    await makeFolder(folder)
      .then(() => writeFileAtomic(join(folder, String(block)), bytes))
      .catch(() => {})
  }
  /** Blocks that follow each other are one request. */
  const fetched = async (from: number, count: number): Promise<Uint8Array[]> => {
    const length = Math.min(count * BLOCK, source.size - from * BLOCK)
    const bytes = await source.read(from * BLOCK, length)
    const blocks = Array.from({ length: count }, (_, i) => bytes.subarray(i * BLOCK, (i + 1) * BLOCK))
    for (const [i, block] of blocks.entries()) await keep(from + i, block)
    return blocks
  }
  return {
    name: source.name,
    size: source.size,
    async read(start, length) {
      // The source itself refuses a range that it has not.
      const inside = start >= 0 && length > 0 && start + length <= source.size
      if (!inside) return await source.read(start, length)
      const [first, last] = [Math.floor(start / BLOCK), Math.floor((start + length - 1) / BLOCK)]
      const found: (Uint8Array | undefined)[] = []
      for (let block = first; block <= last; block++) found.push(await stored(block))
      for (let at = 0; at < found.length; at++) {
        if (found[at] !== undefined) continue
        const next = found.findIndex((block, i) => i > at && block !== undefined)
        const count = (next < 0 ? found.length : next) - at
        found.splice(at, count, ...(await fetched(first + at, count)))
      }
      const out = new Uint8Array(length)
      for (const [i, block] of found.entries()) {
        const from = (first + i) * BLOCK - start
        const part = block!.subarray(Math.max(0, -from), Math.min(block!.length, length - from))
        out.set(part, Math.max(0, from))
      }
      return out
    },
    close: () => source.close(),
  }
}
