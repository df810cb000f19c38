/**
 * @file Checkpoint files of any size that take almost no disk: what is not planted stays a hole,
 * and holes read as zeros.
 */

import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAll, writeFileAtomic } from '../../src/foundation/files/file.ts'
import { f32ToBf16 } from '../../src/foundation/numeric/float.ts'
import { BYTES_PER_ELEMENT, type DType, sizeOf } from '../../src/foundation/numeric/tensor.ts'
import { safetensorsLayout } from '../../src/models/checkpoint/safetensors.ts'

export interface SparseTensor {
  readonly name: string
  readonly dtype: Extract<DType, 'bf16' | 'f32' | 'i64'>
  readonly dims: readonly number[]
}

/**
 * The content of a tensor beside zeros: numbers from an element on, flat, exact in the tensor's
 * dtype.
 */
export interface Run {
  readonly at: number
  readonly values: readonly number[]
}

export interface SparseFile {
  /** Under these names, in any order. */
  readonly tensors: readonly SparseTensor[]
  /** By tensor. */
  readonly runs: ReadonlyMap<string, readonly Run[]>
}

/** Writes one safetensors file with holes. An existing one is overwritten. */
export async function writeSparse(path: string, { tensors, runs }: SparseFile): Promise<void> {
  const { header, places } = safetensorsLayout(
    Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor])),
    { format: 'pt' },
  )
  const dtypes = new Map(tensors.map(({ name, dtype }) => [name, dtype]))
  const file = await open(path, 'w')
  try {
    const last = places.at(-1)
    await file.truncate(last === undefined ? header.length : last.offset + last.byteLength)
    await writeAll(file, header, 0)
    for (const { name, offset } of places) {
      const dtype = dtypes.get(name)!
      for (const { at, values } of runs.get(name) ?? [])
        await writeAll(file, bytesOf(dtype, values), offset + at * BYTES_PER_ELEMENT[dtype])
    }
  } finally {
    await file.close()
  }
}

function bytesOf(dtype: SparseTensor['dtype'], values: readonly number[]): Uint8Array {
  const array = dtype === 'i64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values)
  const { buffer } = dtype === 'bf16' && array instanceof Float32Array ? f32ToBf16(array) : array
  return new Uint8Array(buffer)
}

/**
 * Writes a model's weights as `save_pretrained` does: tensors in the order of the modules, a new
 * file where the next one would pass the limit, and an index; one file alone is
 * `model.safetensors`.
 * @param shardBytes at most, of tensors
 */
export async function writeSparseShards(
  dir: string,
  { tensors, runs }: SparseFile,
  shardBytes: number,
): Promise<void> {
  await mkdir(dir, { recursive: true })
  const shards = shardsOf(tensors, shardBytes)
  const nameOf = (index: number) =>
    shards.length === 1
      ? 'model.safetensors'
      : `model-${padded(index + 1)}-of-${padded(shards.length)}.safetensors`
  for (const [index, shard] of shards.entries())
    await writeSparse(join(dir, nameOf(index)), { tensors: shard, runs })
  if (shards.length === 1) return
  const weightMap = Object.fromEntries(
    shards.flatMap((shard, index) => shard.map(({ name }) => [name, nameOf(index)])),
  )
  const index = {
    metadata: { total_size: tensors.reduce((sum, tensor) => sum + bytes(tensor), 0) },
    weight_map: weightMap,
  }
  await writeFileAtomic(join(dir, 'model.safetensors.index.json'), JSON.stringify(index, undefined, 2))
}

/** In order, each as full as it gets. */
function shardsOf(tensors: readonly SparseTensor[], limit: number): SparseTensor[][] {
  const shards: SparseTensor[][] = [[]]
  let filled = 0
  for (const tensor of tensors) {
    if (filled > 0 && filled + bytes(tensor) > limit) {
      shards.push([])
      filled = 0
    }
    shards.at(-1)!.push(tensor)
    filled += bytes(tensor)
  }
  return shards
}

/** Bytes of a tensor in its file. */
function bytes({ dtype, dims }: SparseTensor): number {
  return sizeOf(dims) * BYTES_PER_ELEMENT[dtype]
}

function padded(number: number): string {
  return String(number).padStart(5, '0')
}
