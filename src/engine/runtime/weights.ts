/** @file Finds the frozen weights of a graph, and checks them against its slots. */

import { openToRead, readAll } from '../../foundation/files/file.ts'
import { firstOf } from '../../foundation/numeric/errors.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import {
  BYTES_PER_ELEMENT,
  type DType,
  sizeOf,
  type Tensor,
  tensor,
} from '../../foundation/numeric/tensor.ts'
import type { CompiledGraph, WeightSlot } from '../graph/compiled.ts'
import { RuntimeError } from './errors.ts'

/** One weight: a byte range of a file, or an array. */
export type WeightLocation =
  | { kind: 'file'; file: string; offset: number; byteLength: number; dtype: DType; dims: readonly number[] }
  | { kind: 'memory'; tensor: Tensor }

/** Finds weights by name; `undefined` where there is none. */
export interface WeightSource {
  locate(name: string): WeightLocation | undefined
}

/** A source over arrays by name. */
export function memoryWeights(tensors: Readonly<Record<string, Tensor>>): WeightSource {
  return {
    locate(name) {
      const found = Object.hasOwn(tensors, name) ? tensors[name] : undefined
      return found && { kind: 'memory', tensor: found }
    },
  }
}

/**
 * Locates the weight of each slot of `graph`. The stored dtype may differ from the slot's: the
 * graph casts.
 * @throws RuntimeError `runtime/weights` listing all weights that are missing, mis-shaped or of the
 *   wrong length
 */
export function locateWeights(graph: CompiledGraph, source: WeightSource): Map<string, WeightLocation> {
  const found = new Map<string, WeightLocation>()
  const problems: string[] = []
  for (const slot of graph.weights) {
    const location = source.locate(slot.name)
    const problem = location === undefined ? 'missing' : mismatch(slot, location)
    if (location !== undefined && problem === undefined) found.set(slot.name, location)
    else problems.push(`${slot.name}: ${problem}`)
  }
  if (problems.length > 0) {
    throw new RuntimeError('weights', {
      message: `${problems.length} of ${graph.weights.length} weights do not fit: ${firstOf(problems)}`,
      hint: 'Are config.json and the weights from the same repository and revision?',
    })
  }
  return found
}

/**
 * Reads a weight, and widens it to f32.
 * @throws RuntimeError `runtime/weights` when its file is shorter than its header says; FileError
 *   `file/missing`, `file/read`; BifocalError `tensor/dtype` for a dtype that is not a float
 */
export async function readWeight(location: WeightLocation): Promise<Tensor<'f32'>> {
  if (location.kind === 'memory') return toF32(location.tensor)
  const { file, offset, byteLength, dtype, dims } = location
  const bytes = new Uint8Array(byteLength)
  const handle = await openToRead(file)
  try {
    const done = await readAll(handle, file, bytes, offset)
    if (done < byteLength) throw cutShort(file, byteLength, done)
  } finally {
    await handle.close()
  }
  if (dtype === 'f32') return tensor('f32', dims, new Float32Array(bytes.buffer))
  const words = dtype === 'f16' || dtype === 'bf16' ? new Uint16Array(bytes.buffer) : new Uint16Array(0)
  return toF32({ dtype, dims, data: words })
}

function cutShort(file: string, expected: number, got: number): RuntimeError {
  return new RuntimeError('weights', {
    message: `${file} ends after ${got} of ${expected} bytes of a weight`,
    hint: 'Fetch the file again: it is not whole.',
  })
}

function mismatch(slot: WeightSlot, location: WeightLocation): string | undefined {
  const { dtype, dims } = location.kind === 'file' ? location : location.tensor
  if (dims.join() !== slot.dims.join())
    return `has shape [${dims.join(', ')}], the graph asks for [${slot.dims.join(', ')}]`
  const bytes = sizeOf(dims) * BYTES_PER_ELEMENT[dtype]
  const held = location.kind === 'file' ? location.byteLength : location.tensor.data.byteLength
  return held === bytes ? undefined : `holds ${held} bytes, ${dtype} [${dims.join(', ')}] takes ${bytes}`
}
