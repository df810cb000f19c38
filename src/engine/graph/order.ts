/** @file The nodes that results need, and the order in which they are written for the engine. */

import type { Fusions } from './fusion.ts'
import { type Graph, isNode, type Node, type Value } from './graph.ts'

/** The nodes that `values` need, inputs before their users. */
export function reachable(graph: Graph, values: readonly Value[], fusions: Fusions = new Map()): Node[] {
  const needed = new Set<number>()
  const open = values.map(({ id }) => id)
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (needed.has(id)) continue
    needed.add(id)
    for (const input of (fusions.get(id) ?? graph.nodes[id]!).inputs) open.push(input.id)
  }
  return graph.nodes.filter((_, id) => needed.has(id))
}

/**
 * The same nodes in an order that saves memory; inputs still come before their users. The engine
 * walks from the results back, from the one that was written last to the one that was written
 * first, and from a node it visits the input first that was written last.
 *
 * Nodes that read only weights come first. If a layer's weight were unpacked after the layer's
 * input, the engine would unpack all weights before the first layer runs: the whole model in f32 at
 * once. Results come last, in reverse. A backward pass makes the gradients of the last layer first,
 * so the engine finishes them before it goes on to the layer before; otherwise it would keep the
 * inputs and the gradients of all layers to the end.
 */
export function inEngineOrder(nodes: readonly Node[], fusions: Fusions): Node[] {
  const constant = new Set<number>()
  const ofWeights = new Set<number>()
  const read = new Set<number>()
  for (const node of nodes) {
    for (const { id } of (fusions.get(node.output.id) ?? node).inputs) read.add(id)
    if (isNode(node, 'Constant')) constant.add(node.output.id)
    const known = node.inputs.every(({ id }) => ofWeights.has(id) || constant.has(id))
    if (isNode(node, 'Parameter') || (known && node.inputs.some(({ id }) => ofWeights.has(id))))
      ofWeights.add(node.output.id)
  }
  const early = ({ output: { id } }: Node) => constant.has(id) || ofWeights.has(id)
  const late = (node: Node) => !early(node) && !read.has(node.output.id)
  return [
    ...nodes.filter(early),
    ...nodes.filter((node) => !early(node) && !late(node)),
    ...nodes.filter(late).reverse(),
  ]
}
