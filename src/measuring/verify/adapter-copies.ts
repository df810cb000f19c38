/** @file Adapters and arrays that a training may change, as copies. */

import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import type { Adapter } from '../../models/checkpoint/adapter.ts'

/** An adapter with arrays of its own. */
export function copyOf(adapter: Adapter): Adapter {
  const modules = [...adapter.modules].map(([name, { down, up, magnitude, ...update }]) => {
    const own = { ...update, down: copied(down), up: copied(up) }
    return [name, magnitude === undefined ? own : { ...own, magnitude: copied(magnitude) }] as const
  })
  const replaced = [...(adapter.replaced ?? [])].map(([name, value]) => [name, copied(value)] as const)
  return { ...adapter, modules: new Map(modules), ...(adapter.replaced && { replaced: new Map(replaced) }) }
}

export function copiesOf(arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, value]) => [name, copied(value)]))
}

const copied = ({ dims, data }: Tensor<'f32'>): Tensor<'f32'> => f32(dims, data.slice())
