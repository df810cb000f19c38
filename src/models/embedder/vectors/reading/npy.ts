/** @file Reads a matrix that NumPy's `save` wrote. @see numpy.lib.format */

import { type ByteSource, fileSource } from '../../../../foundation/files/byte-source.ts'
import { f16ToF32 } from '../../../../foundation/numeric/float.ts'
import { damaged, SetCollector, type VectorSet } from './set.ts'

const MAGIC = '\x93NUMPY'

/** Bytes of an element, and a reader of elements, for each type that vectors have. */
const TYPES: Readonly<Record<string, { size: 1 | 2 | 4 | 8; read: (bytes: ArrayBuffer) => Float32Array }>> = {
  f4: { size: 4, read: (bytes) => new Float32Array(bytes) },
  f2: { size: 2, read: (bytes) => f16ToF32(new Uint16Array(bytes)) },
  f8: { size: 8, read: (bytes) => Float32Array.from(new Float64Array(bytes)) },
  i1: { size: 1, read: (bytes) => Float32Array.from(new Int8Array(bytes)) },
}

/** Bytes that are read at once: of rows, and of a band of columns, which takes a read for each. */
const BLOCK = 2 ** 23
const BAND = 2 ** 26

/**
 * Rows are numbered as they stand. A row of NaN is an item without a vector, as `embed` writes it.
 * Reads both orders of bytes and both orders of a matrix.
 * @throws EmbedderError `embedder/vector-file`; FileError
 */
export async function readNpy(path: string): Promise<VectorSet> {
  const source = await fileSource(path)
  try {
    const matrix = await headerOf(source, path)
    const { type, rows, dim, start } = matrix
    const width = dim * type.size
    if (source.size !== start + rows * width)
      throw damaged(
        path,
        `[${rows}, ${dim}] needs ${start + rows * width} bytes, the file has ${source.size}`,
      )
    const set = new SetCollector(path, rows)
    const step = Math.max(1, Math.floor((matrix.byColumns ? BAND : BLOCK) / width))
    for (let first = 0; first < rows; first += step) {
      const count = Math.min(step, rows - first)
      const block = await (matrix.byColumns ? bandOf : rowsOf)(source, matrix, first, count)
      for (let row = 0; row < count; row++) {
        const vector = block.subarray(row * dim, (row + 1) * dim)
        // `embed` writes zeros for an item without a vector where the type has no NaN.
        if (type.size === 1 && vector.every((value) => value === 0)) vector.fill(Number.NaN)
        set.add({ vector, index: first + row }, `row ${first + row}`)
      }
    }
    return set.finish()
  } finally {
    await source.close()
  }
}

/** A matrix as its header describes it. */
interface Described {
  readonly type: (typeof TYPES)[string]
  /** Whether the bytes of an element stand in the other order. */
  readonly swapped: boolean
  /** Whether column follows column (Fortran's order), not row row. */
  readonly byColumns: boolean
  readonly rows: number
  readonly dim: number
  /** The byte at which its elements begin. */
  readonly start: number
}

/** `[count, dim]` some rows. */
async function rowsOf(
  source: ByteSource,
  { type, swapped, dim, start }: Described,
  first: number,
  count: number,
): Promise<Float32Array> {
  const width = dim * type.size
  return elementsOf(await source.read(start + first * width, count * width), type, swapped)
}

/** The same of a matrix whose columns follow each other. */
async function bandOf(
  source: ByteSource,
  { type, swapped, rows, dim, start }: Described,
  first: number,
  count: number,
): Promise<Float32Array> {
  const band = new Float32Array(count * dim)
  for (let column = 0; column < dim; column++) {
    const from = start + (column * rows + first) * type.size
    const elements = elementsOf(await source.read(from, count * type.size), type, swapped)
    for (let row = 0; row < count; row++) band[row * dim + column] = elements[row]!
  }
  return band
}

function elementsOf(
  { buffer }: Uint8Array<ArrayBuffer>,
  { size, read }: Described['type'],
  swapped: boolean,
): Float32Array {
  const bytes = Buffer.from(buffer)
  if (swapped && size === 2) bytes.swap16()
  if (swapped && size === 4) bytes.swap32()
  if (swapped && size === 8) bytes.swap64()
  return read(buffer)
}

async function headerOf(source: ByteSource, path: string): Promise<Described> {
  const head = Buffer.from(await source.read(0, Math.min(source.size, 12)))
  if (head.length < 12 || head.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw damaged(path, 'it does not begin as a .npy file does')
  // Version 1 has two bytes for the length of the header, later ones four.
  const lengthBytes = head[6] === 1 ? 2 : 4
  const start = 8 + lengthBytes
  const length = head.readUIntLE(8, lengthBytes)
  if (start + length > source.size) throw damaged(path, 'it ends within its header')
  const header = Buffer.from(await source.read(start, length)).toString('latin1')
  const described = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const [, rows, dim] = /'shape':\s*\((\d+),\s*(\d+),?\s*\)/.exec(header) ?? []
  if (rows === undefined || dim === undefined)
    throw damaged(path, `expected a matrix [rows, elements], its header says ${header.trim()}`)
  if (Number(dim) === 0) throw damaged(path, 'its vectors have no elements')
  const [, order = '', kind = ''] = /^([<>|=]?)(\w+)$/.exec(described ?? '') ?? []
  const type = TYPES[kind]
  if (type === undefined)
    throw damaged(
      path,
      `elements of type ${described ?? 'object'} are no vectors: expected ${Object.keys(TYPES).join(', ')}`,
    )
  return {
    type,
    swapped: order === '>',
    byColumns: /'fortran_order':\s*True/.test(header),
    rows: Number(rows),
    dim: Number(dim),
    start: start + length,
  }
}
