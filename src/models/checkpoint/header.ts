/**
 * @file Parses the header of a safetensors file: JSON that gives each tensor's dtype, shape and
 * byte range. Every value is checked.
 */

import { z } from 'zod'
import { repeatedKey } from '../../foundation/files/repeated-key.ts'
import { BYTES_PER_ELEMENT, type DType } from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from './errors.ts'

/** Where one tensor lies on disk. */
export interface TensorLocation {
  readonly name: string
  readonly dtype: DType
  readonly dims: readonly number[]
  /** Path of the safetensors file. */
  readonly file: string
  /** First byte, counted from the start of the file. */
  readonly offset: number
  readonly byteLength: number
}

/** The content of a header, checked against the size of its file. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorLocation>
  /** The free strings under `__metadata__`; empty when there are none. */
  readonly metadata: Readonly<Record<string, string>>
}

/** Bytes before the header: its length as u64, little-endian. */
export const LENGTH_BYTES = 8

/** The reference refuses longer headers too; 100 MB name a million tensors. */
const LONGEST_HEADER = 100_000_000

const DTYPES = new Map<string, DType>([
  ['F32', 'f32'],
  ['F16', 'f16'],
  ['BF16', 'bf16'],
  ['I64', 'i64'],
  ['I32', 'i32'],
  ['I8', 'i8'],
  ['U8', 'u8'],
  ['BOOL', 'bool'],
])

const METADATA = '__metadata__'
const count = z.number().int().nonnegative()
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
})
const metadataSchema = z.record(z.string(), z.string())

type HeaderFault =
  | 'duplicate-tensor'
  | 'file-size'
  | 'header-entry'
  | 'header-json'
  | 'header-length'
  | 'tensor-overlap'
  | 'tensor-range'

function lie(file: string, code: HeaderFault, what: string, cause?: unknown): CheckpointError {
  return new CheckpointError(code, {
    message: `${file}: ${what}`,
    hint: 'The file is truncated, damaged or no safetensors file. Compare its size with the published one and fetch it again.',
    cause,
  })
}

/**
 * Reads the header's length in bytes from the first 8 bytes of the file.
 * @param start    at most the first 8 bytes
 * @param fileSize bytes of the whole file
 * @throws CheckpointError `checkpoint/header-length` when there is no room for such a header
 */
export function headerLength(file: string, start: Uint8Array, fileSize: number): number {
  if (start.length < LENGTH_BYTES)
    throw lie(file, 'header-length', `${fileSize} bytes are too few for a safetensors file`)
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true)
  if (length > BigInt(Math.min(fileSize - LENGTH_BYTES, LONGEST_HEADER))) {
    throw lie(
      file,
      'header-length',
      `the header claims ${length} bytes, the file has ${fileSize} (limit ${LONGEST_HEADER})`,
    )
  }
  return Number(length)
}

/**
 * Reads and checks a header.
 * @param header   the bytes of the JSON (trailing spaces allowed)
 * @param fileSize bytes of the whole file; the tensors must fill the rest of it without overlaps or
 *   holes, as the reference demands
 * @throws CheckpointError `header-json`, `header-entry`, `duplicate-tensor`, `dtype`,
 *   `tensor-range`, `tensor-overlap`, `file-size`
 * @see https://github.com/huggingface/safetensors (format); specs/ar-vlms.md §0.1
 */
export function parseHeader(file: string, header: Uint8Array, fileSize: number): SafetensorsHeader {
  const entries = headerEntries(file, header)
  const start = LENGTH_BYTES + header.length
  const tensors = new Map<string, TensorLocation>()
  let metadata: Record<string, string> = {}
  for (const [name, value] of entries) {
    if (name === METADATA) {
      const parsed = metadataSchema.safeParse(value)
      if (!parsed.success)
        throw lie(file, 'header-entry', `${METADATA} must map strings to strings`, parsed.error)
      metadata = parsed.data
    } else {
      tensors.set(name, location(file, name, value, start, fileSize))
    }
  }
  checkCover(file, [...tensors.values()], start, fileSize)
  return { tensors, metadata }
}

function headerEntries(file: string, header: Uint8Array): [string, unknown][] {
  let text: string
  let json: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header)
    json = JSON.parse(text)
  } catch (cause) {
    throw lie(
      file,
      'header-json',
      `the header is no JSON: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    )
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw lie(file, 'header-json', 'the header is no JSON object')
  const repeated = repeatedKey(text)
  if (repeated !== undefined)
    throw lie(file, 'duplicate-tensor', `the header has the key "${repeated}" twice`)
  return Object.entries(json)
}

function location(
  file: string,
  name: string,
  value: unknown,
  start: number,
  fileSize: number,
): TensorLocation {
  const parsed = entrySchema.safeParse(value)
  if (!parsed.success)
    throw lie(file, 'header-entry', `tensor ${name}: ${z.prettifyError(parsed.error)}`, parsed.error)
  const { dtype: published, shape, data_offsets: offsets } = parsed.data
  const dtype = DTYPES.get(published)
  if (dtype === undefined) {
    throw new CheckpointError('dtype', {
      message: `${file}: tensor ${name} has dtype ${published}; readable are ${[...DTYPES.keys()].join(', ')}`,
      hint:
        published === 'F64'
          ? 'Save the checkpoint in F32: double precision is not supported.'
          : 'Save the checkpoint in F32, F16 or BF16.',
    })
  }
  const [begin, end] = offsets
  if (end < begin || start + end > fileSize) {
    throw lie(file, 'tensor-range', `tensor ${name} claims bytes ${begin} to ${end} of ${fileSize - start}`)
  }
  const byteLength = shape.reduce((size, dim) => size * dim, BYTES_PER_ELEMENT[dtype])
  if (byteLength !== end - begin) {
    throw lie(
      file,
      'tensor-range',
      `tensor ${name} of ${published} [${shape.join(', ')}] needs ${byteLength} bytes, its range has ${end - begin}`,
    )
  }
  return { name, dtype, dims: shape, file, offset: start + begin, byteLength }
}

/** Checks that each byte after the header belongs to exactly one tensor. */
function checkCover(file: string, tensors: TensorLocation[], start: number, fileSize: number): void {
  tensors.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)
  let at = start
  let previous = 'the header'
  for (const { name, offset, byteLength } of tensors) {
    if (offset < at) throw lie(file, 'tensor-overlap', `tensor ${name} begins inside ${previous}`)
    if (offset > at)
      throw lie(
        file,
        'tensor-overlap',
        `${offset - at} bytes between ${previous} and tensor ${name} belong to no tensor`,
      )
    at = offset + byteLength
    previous = `tensor ${name}`
  }
  if (at !== fileSize) throw lie(file, 'file-size', `the tensors end at byte ${at}, the file has ${fileSize}`)
}
