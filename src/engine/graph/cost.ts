/** @file Counts the work of one run of a graph, from its shapes. */

import { type Dim, evaluateDim } from './dims.ts'
import { GraphError } from './errors.ts'
import { type Graph, isNode, type Node } from './graph.ts'
import { reachable } from './order.ts'

export interface GraphCost {
  /**
   * Floating-point operations of products and convolutions; a multiplication with its addition
   * counts as two.
   */
  operations: number
  /** Elements written by all other operators. */
  elements: number
}

/** Operators without work at run time: they rename, or are folded when a session opens. */
const FREE: ReadonlySet<Node['op']> = new Set(['Input', 'Parameter', 'Constant', 'Reshape', 'StopGradient'])

/**
 * Counts the work behind the declared outputs.
 * @param sizes of the symbols in the inputs' dims, e.g. `seq` → 256
 * @throws GraphError `graph/free-symbol` when a size is not among them
 * @example costOf(graph, new Map([['batch', 1], ['seq', 256]])).operations / 1e9 // GFLOP
 */
export function costOf(graph: Graph, sizes: ReadonlyMap<string, number>): GraphCost {
  const size = (dims: readonly Dim[]) => dims.reduce((product: number, dim) => product * known(dim, sizes), 1)
  let [operations, elements] = [0, 0]
  for (const node of reachable(graph, [...graph.outputs.values()])) {
    const { inputs, output } = node
    const [first, second] = inputs
    if (isNode(node, 'Gemm'))
      operations += 2 * size(output.dims) * known(first!.dims[node.attributes.transposeA ? 0 : 1]!, sizes)
    else if (isNode(node, 'MatMul')) operations += 2 * size(output.dims) * known(first!.dims.at(-1)!, sizes)
    // Each output element sums over one kernel.
    else if (isNode(node, 'Conv')) operations += 2 * size(output.dims) * size(second!.dims.slice(1))
    else if (isNode(node, 'ConvTranspose')) operations += 2 * size(first!.dims) * size(second!.dims.slice(1))
    else if (!FREE.has(node.op) && inputs.some((input) => !isParameter(graph.producer(input))))
      elements += size(output.dims)
  }
  return { operations, elements }
}

function isParameter(node: Node): boolean {
  return isNode(node, 'Parameter') && node.attributes.placement === 'frozen'
}

function known(dim: Dim, sizes: ReadonlyMap<string, number>): number {
  const value = evaluateDim(dim, sizes)
  if (value !== undefined) return value
  throw new GraphError('free-symbol', {
    message: `the size ${dim} is not known`,
    hint: 'Give a size for each symbol of the inputs.',
  })
}
