/**
 * @file Segments of a graph whose inner values are not kept for the backward pass: it computes them
 * anew from the segment's input. Memory is that of one segment at a time, and the time of one more
 * forward pass is added.
 * @see Chen et al. 2016 (arXiv 1604.06174)
 */

import { type Graph, isNode, type Segment, type Value } from './graph.ts'

/**
 * The same elements, but computed no sooner than `other`. The engine merges equal nodes and orders
 * nodes freely: without this, it would compute a segment's second copy beside the first one, or
 * not at all. Nothing is copied, and every bit stays, those of a NaN too.
 */
export function after<T extends Value>(x: T, other: Value): T
export function after(x: Value, other: Value): Value {
  return x.graph.apply('After', [x, other], {}, x.dtype, x.dims)
}

/**
 * Builds a segment, e.g. one layer, whose inner values the backward pass computes anew. Without a
 * backward pass it is the same as `build(x)`. A segment within a segment is part of the outer one.
 * @param x the one value that the segment works on; others that it reads (a mask, angles) are kept
 * @returns the segment's output
 * @example const next = recomputed(stream, (x) => add(x, mlp(scope, x, shape)))
 */
export function recomputed(x: Value<'f32'>, build: (x: Value<'f32'>) => Value<'f32'>): Value<'f32'> {
  const first = x.graph.nodes.length
  const output = build(x)
  if (output.id >= first) x.graph.segments.set(output.id, { input: x, output, first })
  return output
}

/**
 * Appends a second copy of a segment.
 * @param upstream the gradient of the segment's output; the copy is computed no sooner
 * @returns by the id of an inner value, its copy. Values that depend neither on the segment's input
 *   nor on trained weights have none.
 */
export function repeatSegment(graph: Graph, segment: Segment, upstream: Value): Map<number, Value> {
  const copies = new Map<number, Value>([[segment.input.id, after(segment.input, upstream)]])
  const weights = weightValues(graph, segment)
  for (const id of innerIds(graph, segment)) {
    const node = graph.nodes[id]!
    const made = weights.has(id)
    const inputs = node.inputs.map((input) => {
      // A weight that is changed in the graph (W + B·A) is made anew, not kept.
      if (made && isFed(graph, input)) return after(input, upstream)
      return copies.get(input.id) ?? input
    })
    if (inputs.some((input, i) => input !== node.inputs[i])) copies.set(id, graph.repeat(node, inputs))
  }
  copies.delete(segment.input.id)
  return copies
}

/** The segment's own nodes that its output needs, inputs before their users. */
function innerIds(graph: Graph, { output, first }: Segment): number[] {
  const needed = new Set<number>()
  const open = [output.id]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id < first || needed.has(id)) continue
    needed.add(id)
    for (const input of graph.nodes[id]!.inputs) open.push(input.id)
  }
  return [...needed].sort((a, b) => a - b)
}

/** Ids of the segment's own values that are made of weights and constants alone. */
function weightValues(graph: Graph, { output, first }: Segment): Set<number> {
  const found = new Set<number>()
  for (let id = first; id <= output.id; id++) {
    const { inputs } = graph.nodes[id]!
    const known = inputs.every(({ id: input }) => found.has(input) || isSource(graph, input))
    if (inputs.length > 0 && known) found.add(id)
  }
  return found
}

function isSource(graph: Graph, id: number): boolean {
  const node = graph.nodes[id]!
  return isNode(node, 'Parameter') || isNode(node, 'Constant')
}

function isFed(graph: Graph, { id }: Value): boolean {
  const node = graph.nodes[id]!
  return isNode(node, 'Parameter') && node.attributes.placement === 'fed'
}
