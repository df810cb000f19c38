/**
 * @file Computes a loss and its gradients with respect to chosen weights of a checkpoint, for the
 * fixtures that expect them.
 */

import { gradients } from '../../engine/graph/backward.ts'
import { compile } from '../../engine/graph/compile.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import { rootScope, type Scope } from '../../engine/nn/scope.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { checkpointWeights, parametersOf } from '../../models/families/weights.ts'
import type { FixtureContext } from './model.ts'

export type LossSubject = Pick<FixtureContext, 'model' | 'checkpoint' | 'device'>

/**
 * Runs a loss once. The chosen weights are fed; the others stay as they are stored.
 * @param trained names of the weights that gradients are asked for
 * @param build   declares the inputs of `feeds` and gives the loss, a scalar
 * @returns `loss`, and `gradient/<name>` for each chosen weight that the loss uses
 */
export async function lossAndGradients(
  { model, checkpoint, device }: LossSubject,
  trained: readonly string[],
  feeds: Readonly<Record<string, Tensor>>,
  build: (scope: Scope) => Value<'f32'>,
): Promise<Record<string, Tensor>> {
  const weights = checkpointWeights(checkpoint, model.weightSpellings)
  const graph = new Graph()
  const loss = build(
    rootScope(graph, { storedDtype: weights.storedDtype, trainable: (name) => trained.includes(name) }),
  )
  const used = parametersOf(graph).filter(({ name }) => trained.includes(name))
  const wrt = used.map(({ name, dims }) => graph.parameter(name, 'f32', dims, 'fed'))
  graph.output('loss', loss)
  for (const [i, gradient] of gradients(loss, wrt).entries())
    graph.output(`gradient/${used[i]!.name}`, gradient)
  const compiled = compile(graph)
  const session = await openSession(compiled, { weights, device, thread: 'caller' })
  try {
    const all: Record<string, Tensor> = { ...feeds }
    for (const { name } of used) all[name] = toF32(await checkpoint.read(weights.find(name)?.name ?? name))
    return await session.run(
      Object.fromEntries(compiled.inputs.map(({ name }) => [name, all[name] ?? f32([0], [])])),
    )
  } finally {
    await session.close()
  }
}

/** Compares a loss and its gradients with the values that a case expects. */
export function compareLoss(
  { recorder, fixture }: Pick<FixtureContext, 'recorder' | 'fixture'>,
  at: {
    readonly name: string
    readonly expect: { readonly loss: number; readonly gradients: Readonly<Record<string, string>> }
  },
  found: Readonly<Record<string, Tensor>>,
  tolerance: { readonly loss: number; readonly gradients: Readonly<Record<string, number>> },
): void {
  const where = { case: at.name, stage: 'loss', key: `${at.name} loss` }
  recorder.compare(where, found.loss, f32([], [at.expect.loss]), tolerance.loss)
  for (const [name, key] of Object.entries(at.expect.gradients)) {
    const wanted = fixture.expected.get(key)
    const stage = `gradient/${name}`
    if (wanted !== undefined)
      recorder.compare({ case: at.name, stage, key }, found[stage], wanted, tolerance.gradients[name] ?? 0)
  }
}
