/**
 * @file Chooses the weights that a precision changes. The graph stays as it was built, so its
 * parameters are those of the checkpoint at every precision; only the encoded model differs.
 */

import type { Precision, WeightForm, WeightPlacement } from './compiled.ts'
import { isNode, type Node, type Value } from './graph.ts'

/** A parameter that a precision changes. */
interface ChangedWeight {
  name: string
  form: WeightForm
}

/** Changed weights by the id of the parameter, and by that of its cast to f32. */
export type PrecisionPlan = ReadonlyMap<number, ChangedWeight>

/**
 * @param nodes all nodes that run, inputs before their users
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

/** Matrices whose only users are linear layers over many rows. */
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
 * Whether a node is a linear layer over many rows. Where each row is an item of the batch, the rows
 * are pooled vectors: they are part of the readout, and too few to gain time.
 */
export function isLinear(node: Node): node is Node<'Gemm'> {
  return (
    isNode(node, 'Gemm') &&
    node.attributes.transposeB &&
    !node.attributes.transposeA &&
    node.inputs[0]!.dims[0] !== 'batch'
  )
}

/**
 * Matrices that are unpacked at each run, as values of the graph: the id of a matrix in f32 → the
 * name of the parameter that holds it in 16 bits.
 */
export function keptMatrices(
  nodes: readonly Node[],
  placed: (name: string) => WeightPlacement | undefined,
): ReadonlyMap<number, string> {
  const kept = new Map<number, string>()
  for (const node of nodes) {
    const { id, dims } = node.output
    const [from] = node.inputs
    const packed = isNode(node, 'Cast') && from !== undefined ? kept.get(from.id) : undefined
    if (packed !== undefined) kept.set(id, packed)
    if (!isNode(node, 'Parameter') || node.attributes.placement !== 'frozen' || dims.length < 2) continue
    const placement = placed(node.attributes.name)
    if (placement?.kind !== 'int8' && placement?.alsoInput) kept.set(id, node.attributes.name)
  }
  for (const { output } of nodes) if (output.dtype !== 'f32') kept.delete(output.id)
  return kept
}
