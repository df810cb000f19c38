/** @file Vectors on disk: safetensors, NumPy's .npy, or one JSON object a line. */

import { extname } from 'node:path'
import { writeFileAtomic } from '../checkpoint/file.ts'
import { writeSafetensors } from '../checkpoint/safetensors.ts'
import type { Tensor } from '../numeric/tensor.ts'
import { EmbedderError } from './errors.ts'

/** Vectors and which of the given items they belong to. */
export interface VectorRows {
  /** `[kept, dim] f32`. */
  vectors: Tensor<'f32'>
  /** Position of each row's item. */
  kept: readonly number[]
}

type Writer = (path: string, rows: VectorRows, metadata: Readonly<Record<string, string>>) => Promise<void>

const writers: Readonly<Record<string, Writer>> = {
  '.safetensors': async (path, { vectors, kept }, metadata) => {
    const items = { dtype: 'i32', dims: [kept.length], data: Int32Array.from(kept) } as const
    await writeSafetensors(path, { vectors, items }, metadata)
  },
  '.npy': async (path, { vectors }) => {
    const { buffer, byteOffset, byteLength } = vectors.data
    await writeFileAtomic(path, [npyHeader(vectors.dims), new Uint8Array(buffer, byteOffset, byteLength)])
  },
  '.jsonl': async (path, rows) =>
    await writeFileAtomic(
      path,
      vectorLines(rows)
        .map((line) => `${line}\n`)
        .join(''),
    ),
}

/** The writer that a path's ending asks for. @throws EmbedderError `embedder/vector-format` */
function writerOf(path: string): Writer {
  const found = writers[extname(path)]
  if (found !== undefined) return found
  throw new EmbedderError('vector-format', {
    message: `${path}: expected a name that ends with ${Object.keys(writers).join(', ')}`,
    hint: 'The ending says how the vectors are written.',
  })
}

/** Fails early: before anything is computed. @throws EmbedderError `embedder/vector-format` */
export function checkVectorPath(path: string): void {
  writerOf(path)
}

/**
 * Writes all or nothing.
 * @throws EmbedderError `embedder/vector-format`; FileError `file/disk-full`, `file/write`
 */
export async function writeVectors(path: string, rows: VectorRows, metadata: Readonly<Record<string, string>> = {}): Promise<void> {
  await writerOf(path)(path, rows, metadata)
}

/** `{"index": 0, "vector": […]}` for each row. */
export function vectorLines({ vectors, kept }: VectorRows): string[] {
  const dim = vectors.dims[1] ?? 0
  return kept.map((index, row) => JSON.stringify({ index, vector: Array.from(vectors.data.subarray(row * dim, (row + 1) * dim)) }))
}

/** Version 1.0: magic, length, a Python dictionary, padded to 64 bytes. @see numpy.lib.format */
function npyHeader(dims: readonly number[]): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')}${dims.length === 1 ? ',' : ''}), }`
  const total = Math.ceil((10 + dictionary.length + 1) / 64) * 64
  const bytes = new Uint8Array(total).fill(0x20)
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0])
  new DataView(bytes.buffer).setUint16(8, total - 10, true)
  bytes.set(new TextEncoder().encode(dictionary), 10)
  bytes[total - 1] = 0x0a
  return bytes
}
