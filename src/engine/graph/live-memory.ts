/** @file Foretells the memory of one run of a graph, from its shapes. */

import { BYTES_PER_ELEMENT } from '../../foundation/numeric/tensor.ts'
import { evaluateDim } from './dims.ts'
import { GraphError } from './errors.ts'
import { type Graph, isNode, type Node, type Value } from './graph.ts'
import { reachable } from './order.ts'

/**
 * The most bytes that values hold at one time, if nodes run in the order in which they were added
 * and a value goes when its last user has run. Inputs are counted; frozen weights, and values that
 * are made of them alone, are not. The engine's own arena takes more by what it cannot fit
 * together.
 * @param sizes of the symbols in the inputs' dims
 * @throws GraphError `graph/free-symbol` when a size is not among them
 * @example liveBytes(graph, new Map([['batch', 16], ['seq', 256]])) / 2 ** 20 // MiB
 */
export function liveBytes(graph: Graph, sizes: ReadonlyMap<string, number>): number {
  const results = [...graph.outputs.values()]
  const nodes = reachable(graph, results)
  // A changed shape is the same bytes: the value that it was made of lives as long.
  const holder = new Map<number, number>()
  const holderOf = ({ id }: Value) => holder.get(id) ?? id
  const lastUse = new Map<number, number>()
  nodes.forEach((node, at) => {
    const [first] = node.inputs
    if (isNode(node, 'Reshape') && first !== undefined) holder.set(node.output.id, holderOf(first))
    for (const input of node.inputs) lastUse.set(holderOf(input), at)
  })
  for (const value of results) lastUse.set(holderOf(value), nodes.length)
  const endings = new Map<number, number[]>()
  for (const [id, at] of lastUse) endings.set(at, [...(endings.get(at) ?? []), id])
  const held = new Map<number, number>()
  // Weights, and what is made of weights alone: the engine makes that once, when it opens.
  const stored = new Set<number>()
  let [now, peak] = [0, 0]
  nodes.forEach((node, at) => {
    const { id } = node.output
    const madeOfStored = node.inputs.length > 0 && node.inputs.every((input) => stored.has(input.id))
    if (madeOfStored || isStored(node)) stored.add(id)
    if (!holder.has(id) && !stored.has(id)) {
      const bytes = bytesOf(node.output, sizes)
      held.set(id, bytes)
      now += bytes
      peak = Math.max(peak, now)
    }
    for (const ended of endings.get(at) ?? []) {
      now -= held.get(ended) ?? 0
      held.delete(ended)
    }
  })
  return peak
}

function isStored(node: Node): boolean {
  return isNode(node, 'Constant') || (isNode(node, 'Parameter') && node.attributes.placement === 'frozen')
}

function bytesOf({ dtype, dims }: Value, sizes: ReadonlyMap<string, number>): number {
  return dims.reduce((bytes: number, dim) => {
    const size = evaluateDim(dim, sizes)
    if (size !== undefined) return bytes * size
    throw new GraphError('free-symbol', {
      message: `the size ${dim} is not known`,
      hint: 'Give a size for each symbol of the inputs.',
    })
  }, BYTES_PER_ELEMENT[dtype])
}
