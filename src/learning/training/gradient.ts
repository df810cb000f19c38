/**
 * @file From a loss described as a graph to steps that give the loss and the gradients of all
 * trained parameters.
 */

import { gradients } from '../../engine/graph/backward.ts'
import { type CompileOptions, compile } from '../../engine/graph/compile.ts'
import type { CompiledGraph } from '../../engine/graph/compiled.ts'
import { Graph, isNode, type Value } from '../../engine/graph/graph.ts'
import { reachable } from '../../engine/graph/order.ts'
import type { Session } from '../../engine/runtime/session.ts'
import { isF32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { NamedArrays } from './arrays.ts'
import { TrainingError } from './errors.ts'

/** A compiled loss: outputs `loss` [], `gradient/<parameter>` and `metric/<name>` []. */
export interface GradientGraph {
  compiled: CompiledGraph
  /** The trained parameters: those that the graph wants fed, with their dims. */
  parameters: { name: string; dims: number[] }[]
}

export interface Loss {
  /** Scalar. */
  loss: Value<'f32'>
  /** Scalars worth logging beside it. */
  metrics?: Readonly<Record<string, Value<'f32'>>>
}

/**
 * @param build describes the loss; parameters with placement `fed` that it depends on are trained
 * @param options.precision of the frozen weights
 * @example
 * const options = { temperature: 0.02 }
 * gradientGraph((graph) => ({ loss: infoNce(queries(graph), targets(graph), options) }))
 * @throws TrainingError `training/no-parameter` when nothing is trained
 */
export function gradientGraph(
  build: (graph: Graph) => Loss,
  options: Pick<CompileOptions, 'precision'> = {},
): GradientGraph {
  const graph = new Graph()
  const loss = build(graph)
  const trained = fedParameters(graph, [loss.loss])
  if (trained.length === 0) {
    throw new TrainingError('no-parameter', {
      message: 'the loss has no trained parameter',
      hint: 'Mark what is trained, or attach an adapter.',
    })
  }
  outputLoss(graph, loss, trained)
  return { compiled: compile(graph, options), parameters: trained.map(({ name, dims }) => ({ name, dims })) }
}

/** Names the outputs of a loss: itself, its metrics, and its gradients with respect to values. */
export function outputLoss(
  graph: Graph,
  { loss, metrics = {} }: Loss,
  wrt: readonly { name: string; value: Value<'f32'> }[],
): void {
  const values = gradients(
    loss,
    wrt.map(({ value }) => value),
  )
  graph.output('loss', loss)
  for (const [name, value] of Object.entries(metrics)) graph.output(`metric/${name}`, value)
  for (const [i, { name }] of wrt.entries()) graph.output(`gradient/${name}`, values[i]!)
}

/** The trained parameters of a graph that some of its values depend on. */
export function fedParameters(
  graph: Graph,
  values: readonly Value[],
): { name: string; dims: number[]; value: Value<'f32'> }[] {
  return reachable(graph, values).flatMap((node) => {
    if (!isNode(node, 'Parameter') || node.attributes.placement !== 'fed' || !isFloat(node.output)) return []
    const dims = node.output.dims.filter((dim) => typeof dim === 'number')
    return [{ name: node.attributes.name, dims, value: node.output }]
  })
}

/** Loss and gradients of one step. */
export interface StepResult {
  loss: number
  metrics: Readonly<Record<string, number>>
  /** Names the batch and its rows, for the message that stops the training. */
  batch?: string
  /** Further entries of the line in the log. */
  notes?: Readonly<Record<string, unknown>>
  /** One for each parameter that is not idle. */
  gradients: NamedArrays
  /** Parameters that this step does not use: a batch of texts where a tower is trained. */
  idle?: readonly string[]
}

/** Computes one step. `next`, where there is one, may be prepared meanwhile. */
export type GradientStep = (at: { step: number; next?: number; signal?: AbortSignal }) => Promise<StepResult>

export interface SessionStepOptions {
  /** Opened over a `GradientGraph`. */
  session: Session
  parameters: NamedArrays
  /**
   * Gives the feeds beside the parameters, or those of several runs whose losses, metrics and
   * gradients add up. It depends on the step alone, so a resumed run sees the same batches.
   */
  feeds: (step: number) => Batch | readonly Batch[] | Promise<Batch | readonly Batch[]>
}

type Batch = Readonly<Record<string, Tensor>>

/** Steps by a session; the next batch is made while the engine computes this one. */
export function sessionStep({ session, parameters, feeds }: SessionStepOptions): GradientStep {
  const prepare = async (step: number) => [await feeds(step)].flat()
  let ahead: { step: number; batch: ReturnType<typeof prepare> } | undefined
  return async ({ step, next, signal }) => {
    const parts = await (ahead?.step === step ? ahead.batch : prepare(step))
    const running = runAll(parts, async (part) =>
      stepResultOf(await session.run({ ...part, ...parameters }, { signal })),
    )
    ahead = next === undefined ? undefined : { step: next, batch: prepare(next) }
    // The step that needs this batch reports a failure. Catch it here so that Node does not see an
    // unhandled rejection.
    ahead?.batch.catch(() => {})
    return await running
  }
}

/** Sums the results of runs, one after the other. */
async function runAll(
  parts: readonly Batch[],
  run: (part: Batch) => Promise<StepResult>,
): Promise<StepResult> {
  const [first, ...rest] = parts
  const sum = await run(first!)
  const metrics: Record<string, number> = { ...sum.metrics }
  let { loss } = sum
  for (const part of rest) {
    const result = await run(part)
    loss += result.loss
    for (const [name, value] of Object.entries(result.metrics)) metrics[name] = metrics[name]! + value
    for (const [name, { data }] of Object.entries(result.gradients)) addTo(sum.gradients[name]!.data, data)
  }
  return { ...sum, loss, metrics }
}

function addTo(sum: Float32Array, values: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += values[i]!
}

/** Results of one run of a compiled loss. */
export function stepResultOf(outputs: Readonly<Record<string, Tensor>>): StepResult {
  const metrics: Record<string, number> = {}
  const gradients: Record<string, Tensor<'f32'>> = {}
  let loss = Number.NaN
  for (const [name, value] of Object.entries(outputs)) {
    if (!isF32(value)) continue
    if (name === 'loss') loss = value.data[0]!
    else if (name.startsWith('metric/')) metrics[name.slice('metric/'.length)] = value.data[0]!
    else if (name.startsWith('gradient/')) gradients[name.slice('gradient/'.length)] = value
  }
  return { loss, metrics, gradients }
}

function isFloat(value: Value): value is Value<'f32'> {
  return value.dtype === 'f32'
}
