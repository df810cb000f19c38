/**
 * @file Which weights a precision changes. The graph stays as it was built, so its parameters are
 * those of the checkpoint whatever the precision; only what is encoded differs.
 */

import type { Precision, WeightForm } from './compiled.ts'
import { isNode, type Node, type Value } from './graph.ts'

/** A parameter that a precision changes. */
interface ChangedWeight {
  name: string
  form: WeightForm
}

/** By the id of the parameter, and of its cast to f32. */
export type PrecisionPlan = ReadonlyMap<number, ChangedWeight>

/**
 * @param nodes those that are run, inputs before their users
 * @param halfProducts see `CompileOptions`
 */
export function planPrecision(
  nodes: readonly Node[],
  precision: Precision,
  halfProducts: boolean,
): PrecisionPlan {
  const frozen = nodes.filter(
    (node): node is Node<'Parameter'> => isNode(node, 'Parameter') && node.attributes.placement === 'frozen',
  )
  const matrices = frozen.filter(({ output }) => output.dims.length > 1)
  const chosen = precision === 'f32' ? [] : precision === 'f16' ? matrices : onlyInLinears(nodes, matrices)
  const form = precision === 'int8' ? 'int8' : halfProducts ? 'f16' : 'half'
  const plan = new Map<number, ChangedWeight>(
    chosen.map(({ attributes: { name }, output }) => [output.id, { name, form }]),
  )
  for (const node of nodes) {
    const cast =
      isNode(node, 'Cast') && node.attributes.to === 'f32' ? plan.get(node.inputs[0]!.id) : undefined
    if (cast !== undefined) plan.set(node.output.id, cast)
  }
  return plan
}

/** Matrices that nothing but linear layers over many rows uses. */
function onlyInLinears(nodes: readonly Node[], matrices: readonly Node<'Parameter'>[]): Node<'Parameter'>[] {
  const users = new Map<number, Node[]>()
  for (const node of nodes) for (const { id } of node.inputs) users.set(id, [...(users.get(id) ?? []), node])
  const fits = (value: Value): boolean =>
    (users.get(value.id) ?? []).every((user) =>
      isNode(user, 'Cast')
        ? fits(user.output)
        : isLinear(user) && user.inputs[1] === value && user.inputs[0] !== value,
    )
  return matrices.filter(({ output }) => output.dims.length === 2 && fits(output))
}

/**
 * A linear layer over many rows. Rows that are the items of a batch are pooled vectors: part of the
 * readout, and too few to be worth it.
 */
export function isLinear(node: Node): node is Node<'Gemm'> {
  return (
    isNode(node, 'Gemm') &&
    node.attributes.transposeB &&
    !node.attributes.transposeA &&
    node.inputs[0]!.dims[0] !== 'batch'
  )
}
