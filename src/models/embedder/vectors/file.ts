/** @file Vectors on disk: safetensors, NumPy's .npy, Parquet, or one JSON object a line. */

import { existsSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { piecesOf, writeFileAtomic } from '../../../foundation/files/file.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { writeSafetensors } from '../../checkpoint/safetensors.ts'
import { EmbedderError } from '../errors.ts'
import { parquetPieces } from './parquet.ts'
import type { QuantizedVectors } from './quantize.ts'

/** Vectors and which of the given items they belong to. */
export interface VectorRows extends QuantizedVectors {
  /** Position of each row's item. */
  kept: readonly number[]
  /** Name of each row's item in its source; undefined where no item has a name. */
  ids?: readonly string[]
  /** Number of items, skipped ones included. */
  items: number
}

type Writer = (path: string, rows: VectorRows, metadata: Readonly<Record<string, string>>) => Promise<void>

const writers: Readonly<Record<string, Writer>> = {
  '.safetensors': async (path, { vectors, scales, kept, ids }, metadata) => {
    const items = { dtype: 'i32', dims: [kept.length], data: Int32Array.from(kept) } as const
    const tensors: Record<string, Tensor> =
      scales === undefined ? { vectors, items } : { vectors, items, scales }
    await writeSafetensors(
      path,
      tensors,
      ids === undefined ? metadata : { ...metadata, ids: names(path, ids) },
    )
  },
  '.npy': async (path, rows) => await writeFileAtomic(path, npyPieces(rows)),
  '.parquet': async (path, rows, metadata) => await writeFileAtomic(path, parquetPieces(rows, metadata)),
  '.jsonl': async (path, rows) => await writeFileAtomic(path, encodedLines(rows)),
}

/** Whether the ending of a path is that of a file of vectors. */
export function isVectorPath(path: string): boolean {
  return extname(path) in writers
}

/** Finds the writer for the ending of a path. @throws EmbedderError `embedder/vector-format` */
function writerOf(path: string): Writer {
  const found = writers[extname(path)]
  if (found !== undefined) return found
  throw new EmbedderError('vector-format', {
    message: `${path}: expected a name that ends with ${Object.keys(writers).join(', ')}`,
    hint: 'The ending says how the vectors are written.',
  })
}

/**
 * Checks the path of an output file before anything is computed.
 * @throws EmbedderError `embedder/vector-format`, `embedder/output` for a folder
 */
export function checkVectorPath(path: string): void {
  writerOf(path)
  if (!existsSync(path) || !statSync(path).isDirectory()) return
  throw new EmbedderError('output', {
    message: `${path} is a folder: expected the name of a file to write`,
    hint: 'Name a file in it, or remove the folder.',
  })
}

/**
 * Writes all or nothing.
 * @throws EmbedderError `embedder/vector-format`, `embedder/long-ids`; FileError `file/disk-full`,
 *   `file/write`
 */
export async function writeVectors(
  path: string,
  rows: VectorRows,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writerOf(path)(path, rows, metadata)
}

/** In bytes. No reader takes a header of more than 100 MB; the rest of it needs some room too. */
const LONGEST_NAMES = 99_000_000

/** @throws EmbedderError `embedder/long-ids` */
function names(path: string, ids: readonly string[]): string {
  const json = JSON.stringify(ids)
  // The header is JSON, in which the quotes and backslashes of this JSON are escaped once more.
  if (Buffer.byteLength(JSON.stringify(json)) <= LONGEST_NAMES) return json
  throw new EmbedderError('long-ids', {
    message: `${path}: the names of ${ids.length} items are too long for the header of a safetensors file`,
    hint: `Write a .parquet or .jsonl file. Rename ${path}.journal after it, and nothing is computed again.`,
  })
}

/**
 * `{"index": 0, "id": "…", "scale": …, "vector": […]}` for each row; id and scale where there are
 * some.
 */
export function* vectorLines({ vectors, scales, kept, ids }: VectorRows): Generator<string> {
  const dim = vectors.dims[1] ?? 0
  for (const [row, index] of kept.entries()) {
    const vector = Array.from(vectors.data.subarray(row * dim, (row + 1) * dim))
    yield JSON.stringify({ index, id: ids?.[row], scale: scales?.data[row], vector })
  }
}

/**
 * Joins lines to pieces of about a megabyte. One write for each line would be slow; all lines in
 * one text could be longer than a text may be.
 */
function* encodedLines(rows: VectorRows): Generator<Uint8Array> {
  const encoder = new TextEncoder()
  let piece = ''
  for (const line of vectorLines(rows)) {
    piece += `${line}\n`
    if (piece.length < 2 ** 20) continue
    yield encoder.encode(piece)
    piece = ''
  }
  yield encoder.encode(piece)
}

/**
 * Writes a row for every item, because the format cannot say which item a row belongs to. The row
 * of a skipped item is NaN, or 0 where the type has no NaN.
 */
function* npyPieces({ vectors: { dtype, dims, data }, kept, items }: VectorRows): Generator<Uint8Array> {
  const dim = dims[1] ?? 0
  yield npyHeader([items, dim], dtype)
  const blank = {
    f32: new Float32Array(dim).fill(Number.NaN),
    i8: new Int8Array(dim),
    u8: new Uint8Array(dim),
  }[dtype]
  /** Number of rows and of items that are written. */
  let row = 0
  let item = 0
  while (item < items) {
    for (; item < (kept[row] ?? items); item++) yield* piecesOf(blank)
    const from = row
    for (; item < items && kept[row] === item; row++) item++
    yield* piecesOf(data.subarray(from * dim, row * dim))
  }
}

const NPY_DTYPE = { f32: '<f4', i8: '|i1', u8: '|u1' } as const

/** Version 1.0: magic, length, a Python dictionary, padded to 64 bytes. @see numpy.lib.format */
function npyHeader(dims: readonly number[], dtype: keyof typeof NPY_DTYPE): Uint8Array {
  const dictionary = `{'descr': '${NPY_DTYPE[dtype]}', 'fortran_order': False, 'shape': (${dims.join(', ')}), }`
  const total = Math.ceil((10 + dictionary.length + 1) / 64) * 64
  const bytes = new Uint8Array(total).fill(0x20)
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0])
  new DataView(bytes.buffer).setUint16(8, total - 10, true)
  bytes.set(new TextEncoder().encode(dictionary), 10)
  bytes[total - 1] = 0x0a
  return bytes
}
