/** @file Reverse-mode differentiation: appends the backward pass to the same graph. */

import { add } from './elementwise.ts'
import { GraphError } from './errors.ts'
import { type GradientContext, type GradientRule, gradientRules } from './gradients.ts'
import type { Node, Value } from './graph.ts'
import type { DifferentiableOp, Op } from './op.ts'
import { repeatSegment } from './recompute.ts'

/**
 * Gradients of a scalar.
 * @param loss a value with one element
 * @param wrt values to differentiate by, e.g. the fed parameters
 * @returns for each of `wrt` a value of its shape
 * @throws GraphError `graph/not-scalar`, or `graph/no-gradient` when the loss doesn't depend on one
 *   of them
 */
export function gradients(loss: Value<'f32'>, wrt: readonly Value<'f32'>[]): Value<'f32'>[] {
  if (loss.dims.length !== 0) {
    throw new GraphError('not-scalar', {
      message: `the loss has shape [${loss.dims}]`,
      hint: 'Reduce it to a scalar, e.g. with reduceMean.',
    })
  }
  return vectorJacobian([{ output: loss, upstream: loss.graph.scalar(1) }], wrt)
}

/** Where gradients start: an output and the gradient that arrives there. */
export interface Seed {
  output: Value<'f32'>
  upstream: Value<'f32'>
}

/**
 * As `gradients`, from given gradients of outputs (GradCache continues a backward pass this way).
 */
export function vectorJacobian(seeds: readonly Seed[], wrt: readonly Value<'f32'>[]): Value<'f32'>[] {
  const graph = seeds[0]?.output.graph
  if (graph === undefined)
    throw new GraphError('empty', { message: 'no output to differentiate', hint: 'Give at least one seed.' })
  const last = Math.max(...seeds.map(({ output }) => output.id))
  const depends = dependents(graph.nodes, wrt, last)
  const arrived = new Map<number, Value<'f32'>>()
  const arrive = (value: Value, gradient: Value<'f32'>) => {
    const before = arrived.get(value.id)
    arrived.set(value.id, before === undefined ? gradient : add(before, gradient))
  }
  for (const { output, upstream } of seeds) arrive(output, upstream)
  const copies = new Map<number, Value>()
  for (let id = last; id >= 0; id--) {
    const upstream = arrived.get(id)
    if (upstream === undefined || !depends.has(id)) continue
    const segment = graph.segments.get(id)
    for (const [inner, copy] of segment === undefined ? [] : repeatSegment(graph, segment, upstream))
      copies.set(inner, copy)
    // Gradients of a copy are gradients of the value that it repeats.
    const node = graph.producer(copies.get(id) ?? graph.nodes[id]!.output)
    if (!isDifferentiable(node)) continue
    const floats = graph.nodes[id]!.inputs.filter(isFloat)
    applyRule(node, upstream).forEach((gradient, i) => {
      const input = floats[i]!
      if (depends.has(input.id)) arrive(input, gradient)
    })
  }
  return wrt.map((value) => {
    const gradient = arrived.get(value.id)
    if (gradient !== undefined) return gradient
    const node = graph.producer(value)
    const name = 'name' in node.attributes ? node.attributes.name : `value ${value.id}`
    throw new GraphError('no-gradient', {
      message: `the loss does not depend on ${name}`,
      hint: 'Train only what the loss uses.',
    })
  })
}

/** Ids of the values that depend on `wrt` through differentiable operators. */
function dependents(nodes: readonly Node[], wrt: readonly Value[], last: number): Set<number> {
  const found = new Set(wrt.map(({ id }) => id))
  for (let id = 0; id <= last; id++) {
    const node = nodes[id]!
    if (isDifferentiable(node) && isFloat(node.output) && node.inputs.some((input) => found.has(input.id)))
      found.add(id)
  }
  return found
}

function applyRule<O extends DifferentiableOp>(node: Node<O>, upstream: Value<'f32'>): Value<'f32'>[] {
  const output = node.output
  if (!isFloat(output)) return []
  const at: GradientContext<O> = {
    attributes: node.attributes,
    floats: node.inputs.filter(isFloat),
    indices: node.inputs.filter(isIndex),
    conditions: node.inputs.filter(isCondition),
    output,
    upstream,
  }
  const rule: GradientRule<O> = gradientRules[node.op]
  return rule(at)
}

function isDifferentiable(node: Node<Op>): node is Node<DifferentiableOp> {
  return node.op in gradientRules
}

const isFloat = (value: Value): value is Value<'f32'> => value.dtype === 'f32'
const isIndex = (value: Value): value is Value<'i64'> => value.dtype === 'i64'
const isCondition = (value: Value): value is Value<'bool'> => value.dtype === 'bool'
