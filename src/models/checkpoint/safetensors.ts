/**
 * @file Reads and writes safetensors files. Opening one reads its header alone; tensors are read by
 * byte range. A file is written whole or not at all.
 */

import type { FileHandle } from 'node:fs/promises'
import { openToRead, piecesOf, readAll, writeFileAtomic } from '../../foundation/files/file.ts'
import {
  BYTES_PER_ELEMENT,
  type DType,
  sizeOf,
  type Tensor,
  type TensorArrays,
} from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from './errors.ts'
import {
  headerLength,
  LENGTH_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorLocation,
} from './header.ts'

/** An opened file, of which only the header has been read. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly path: string
  /**
   * Reads one tensor in its stored dtype (`toF32` widens it).
   * @throws CheckpointError `checkpoint/no-tensor`, `checkpoint/truncated`
   */
  read(name: string): Promise<Tensor>
}

/** Typed arrays of a given number of elements, zeroed and aligned. */
const ALLOCATE: { readonly [T in DType]: (size: number) => TensorArrays[T] } = {
  f32: (size) => new Float32Array(size),
  f16: (size) => new Uint16Array(size),
  bf16: (size) => new Uint16Array(size),
  i64: (size) => new BigInt64Array(size),
  i32: (size) => new Int32Array(size),
  i8: (size) => new Int8Array(size),
  u8: (size) => new Uint8Array(size),
  bool: (size) => new Uint8Array(size),
}

/**
 * Opens a file and checks its header.
 * @throws FileError when the file cannot be read; CheckpointError when the header is wrong (codes:
 *   `parseHeader`, `headerLength`)
 * @example const file = await openSafetensors('model.safetensors'); const weight = await
 *   file.read('lm_head.weight')
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const header = await withFile(path, async (file) => {
    const { size } = await file.stat()
    const start = await readRange(file, path, 0, Math.min(size, LENGTH_BYTES))
    return parseHeader(path, await readRange(file, path, LENGTH_BYTES, headerLength(path, start, size)), size)
  })
  return { path, ...header, read: async (name) => await readTensor(locate(header.tensors, name, path)) }
}

/**
 * Reads all tensors of a file, by name, in the order of the header. The file must fit in memory.
 */
export async function loadSafetensors(path: string): Promise<Map<string, Tensor>> {
  const { tensors } = await openSafetensors(path)
  return await withFile(path, async (file) => {
    const loaded = new Map<string, Tensor>()
    for (const at of tensors.values()) loaded.set(at.name, await readFrom(file, at))
    return loaded
  })
}

/**
 * Looks up the location of a tensor.
 * @param where the file or folder that `tensors` came from, for the message
 * @throws CheckpointError `checkpoint/no-tensor`
 */
export function locate(
  tensors: ReadonlyMap<string, TensorLocation>,
  name: string,
  where: string,
): TensorLocation {
  const found = tensors.get(name)
  if (found !== undefined) return found
  throw new CheckpointError('no-tensor', {
    message: `${where} has no tensor ${name} (it has ${tensors.size} others)`,
    hint: 'Are config.json and the weights from the same repository and revision? `bifocal inspect` lists the tensors.',
  })
}

/**
 * Reads the bytes of one tensor into an array of its own.
 * @throws FileError `file/missing`, `file/read`; CheckpointError `checkpoint/truncated` when the
 *   file shrank since it was opened
 */
export async function readTensor(at: TensorLocation): Promise<Tensor> {
  return await withFile(at.file, async (file) => await readFrom(file, at))
}

/**
 * Yields the raw bytes of one tensor in chunks of at most 8 MiB, so that hashing a checkpoint needs
 * little memory.
 */
export async function* tensorBytes(at: TensorLocation): AsyncGenerator<Uint8Array> {
  const file = await openToRead(at.file)
  try {
    const end = at.offset + at.byteLength
    for (let offset = at.offset; offset < end; offset += 2 ** 23) {
      yield await readRange(file, at.file, offset, Math.min(2 ** 23, end - offset))
    }
  } finally {
    await file.close()
  }
}

/**
 * Writes a file that Python's safetensors reads too. It puts tensors with larger elements first,
 * and orders equal sizes by name: so each tensor is aligned, and the same tensors give the same
 * bytes.
 * @throws FileError `file/disk-full`, `file/write`; `path` then holds what it held before
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { header, places } = safetensorsLayout(tensors, metadata)
  const pieces = function* () {
    yield header
    for (const { name } of places) yield* piecesOf(tensors[name]!.data)
  }
  await writeFileAtomic(path, pieces())
}

/** Where the bytes of a tensor go. */
export interface TensorPlace {
  readonly name: string
  /** First byte, counted from the start of the file. */
  readonly offset: number
  readonly byteLength: number
}

/**
 * Makes the header of a file, and gives each tensor its place after it, in the order in which
 * `writeSafetensors` writes them. The tensors follow each other without holes.
 */
export function safetensorsLayout(
  tensors: Readonly<Record<string, Pick<Tensor, 'dtype' | 'dims'>>>,
  metadata: Readonly<Record<string, string>> = {},
): { header: Uint8Array; places: TensorPlace[] } {
  const ordered = Object.entries(tensors).sort(
    ([nameA, a], [nameB, b]) =>
      BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype] || (nameA < nameB ? -1 : 1),
  )
  const entries: [string, unknown][] = []
  if (Object.keys(metadata).length > 0) {
    entries.push([
      '__metadata__',
      Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
    ])
  }
  const places: TensorPlace[] = []
  let end = 0
  for (const [name, { dtype, dims }] of ordered) {
    const byteLength = sizeOf(dims) * BYTES_PER_ELEMENT[dtype]
    places.push({ name, offset: end, byteLength })
    entries.push([name, { dtype: dtype.toUpperCase(), shape: dims, data_offsets: [end, end + byteLength] }])
    end += byteLength
  }
  // Not `JSON.stringify` of an object, which would move names that look like numbers to the front.
  const json = new TextEncoder().encode(
    `{${entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`,
  )
  const header = new Uint8Array(LENGTH_BYTES + Math.ceil(json.length / 8) * 8).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - LENGTH_BYTES), true)
  header.set(json, LENGTH_BYTES)
  return { header, places: places.map((place) => ({ ...place, offset: header.length + place.offset })) }
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openToRead(path)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

async function readFrom(file: FileHandle, at: TensorLocation): Promise<Tensor> {
  const data = ALLOCATE[at.dtype](sizeOf(at.dims))
  let { offset } = at
  for (const piece of piecesOf(data)) {
    await readInto(file, at.file, offset, piece)
    offset += piece.length
  }
  return { dtype: at.dtype, dims: at.dims, data }
}

async function readRange(
  file: FileHandle,
  path: string,
  offset: number,
  byteLength: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength)
  await readInto(file, path, offset, bytes)
  return bytes
}

/** Fills `bytes`. @throws CheckpointError `checkpoint/truncated` where the file ends before */
async function readInto(file: FileHandle, path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const done = await readAll(file, path, bytes, offset)
  if (done === bytes.length) return
  throw new CheckpointError('truncated', {
    message: `${path} ends at byte ${offset + done}; ${bytes.length - done} more were expected`,
    hint: 'Did another program change the file while it was read? Fetch it again.',
  })
}
