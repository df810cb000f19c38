/** @file Where the frozen weights of a graph lie, checked against what the graph asks for. */

import type { CompiledGraph, WeightSlot } from '../graph/compiled.ts'
import { firstOf } from '../numeric/errors.ts'
import { BYTES_PER_ELEMENT, type DType, sizeOf, type Tensor } from '../numeric/tensor.ts'
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
 * Every weight slot of `graph` with its location. The stored dtype may differ from the slot's: the graph casts.
 * @throws RuntimeError `runtime/weights` listing all weights that are missing, mis-shaped or of the wrong length
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
    throw new RuntimeError(
      'weights',
      {
        message: `${problems.length} of ${graph.weights.length} weights do not fit: ${firstOf(problems)}`,
        hint: 'Are config.json and the weights from the same repository and revision?',
      },
      3,
    )
  }
  return found
}

function mismatch(slot: WeightSlot, location: WeightLocation): string | undefined {
  const { dtype, dims } = location.kind === 'file' ? location : location.tensor
  if (dims.join() !== slot.dims.join()) return `has shape [${dims.join(', ')}], the graph asks for [${slot.dims.join(', ')}]`
  const bytes = sizeOf(dims) * BYTES_PER_ELEMENT[dtype]
  const held = location.kind === 'file' ? location.byteLength : location.tensor.data.byteLength
  return held === bytes ? undefined : `holds ${held} bytes, ${dtype} [${dims.join(', ')}] takes ${bytes}`
}
