/**
 * @file GradCache: the gradient of a large batch by small chunks. A contrastive loss looks at all
 * vectors of the batch, but the vectors don't look at each other: so all are computed first,
 * without anything kept for a backward pass; then the loss gives their gradients; then each chunk
 * runs again, and its backward pass starts from its own share of those. Memory is that of one
 * chunk, time one more forward pass.
 * @see Gao et al. 2021 (arXiv 2101.06983); specs/vlm2vec-mmeb.md §5.3
 */

import { vectorJacobian } from '../../engine/graph/backward.ts'
import { compile } from '../../engine/graph/compile.ts'
import type { CompiledGraph } from '../../engine/graph/compiled.ts'
import type { Dim } from '../../engine/graph/dims.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import type { Session } from '../../engine/runtime/session.ts'
import { joined, rangeOf } from '../../foundation/numeric/rows.ts'
import { f32, isF32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { fedParameters, type Loss, outputLoss, type StepResult, stepResultOf } from '../training/gradient.ts'

/**
 * A part of a batch. What its vectors are called may differ from chunk to chunk: queries and
 * targets of a pair can run apart.
 */
export interface CachedChunk {
  /** The forward pass alone: by name `[rows, dim]`. */
  vectors(signal?: AbortSignal): Promise<NamedArrays>
  /** Gradients of the parameters that the chunk uses, given those of its vectors. */
  gradients(upstream: NamedArrays, signal?: AbortSignal): Promise<NamedArrays>
}

export interface GradCacheOptions {
  chunks: readonly CachedChunk[]
  /**
   * Loss of the whole batch, given the vectors of each name in the order of the chunks; gives one
   * gradient for each name.
   */
  loss: (vectors: NamedArrays, signal?: AbortSignal) => Promise<StepResult>
  signal?: AbortSignal
}

/**
 * One step by chunks.
 * @returns loss and gradients of the whole batch, and the `cache`: gradients of the vectors by name
 *   `[rows, dim]`
 */
export async function gradCache({
  chunks,
  loss,
  signal,
}: GradCacheOptions): Promise<StepResult & { cache: NamedArrays }> {
  const parts: NamedArrays[] = []
  for (const chunk of chunks) parts.push(await chunk.vectors(signal))
  const names = [...new Set(parts.flatMap((part) => Object.keys(part)))]
  const whole = names.map((name) => [name, joined(parts.flatMap((part) => part[name] ?? []))!] as const)
  const { loss: value, metrics, gradients: cache } = await loss(Object.fromEntries(whole), signal)
  const sums = new Map<string, { dims: readonly number[]; data: Float64Array }>()
  const starts = new Map<string, number>()
  for (const [i, chunk] of chunks.entries()) {
    const upstream = Object.entries(parts[i]!).map(([name, { dims }]) => {
      const start = starts.get(name) ?? 0
      starts.set(name, start + dims[0]!)
      return [name, rangeOf(cache[name]!, start, dims[0]!)] as const
    })
    for (const [name, { dims, data }] of Object.entries(
      await chunk.gradients(Object.fromEntries(upstream), signal),
    )) {
      const sum = sums.get(name) ?? { dims, data: new Float64Array(data.length) }
      for (let at = 0; at < data.length; at++) sum.data[at]! += data[at]!
      sums.set(name, sum)
    }
  }
  const summed = [...sums].map(
    ([name, { dims, data }]) => [name, f32(dims, Float32Array.from(data))] as const,
  )
  return { loss: value, metrics, gradients: Object.fromEntries(summed), cache }
}

/**
 * Graphs of a kind of chunk: to its vectors, and from their gradients to those of the fed
 * parameters.
 */
export interface ChunkGraphs {
  forward: CompiledGraph
  backward: CompiledGraph
}

const UPSTREAM = 'upstream/'
const VECTOR = 'vector/'

/**
 * @param build from inputs to vectors by name, `[rows, dim]`; called for each graph
 * @throws GraphError `graph/no-gradient` when the vectors ignore a fed parameter
 */
export function chunkGraphs(build: (graph: Graph) => Readonly<Record<string, Value<'f32'>>>): ChunkGraphs {
  const forward = new Graph()
  for (const [name, value] of Object.entries(build(forward))) forward.output(name, value)
  const backward = new Graph()
  const seeds = Object.entries(build(backward)).map(([name, output]) => ({
    output,
    upstream: backward.input(UPSTREAM + name, 'f32', output.dims),
  }))
  const trained = fedParameters(backward)
  const found = vectorJacobian(
    seeds,
    trained.map(({ value }) => value),
  )
  for (const [i, { name }] of trained.entries()) backward.output(`gradient/${name}`, found[i]!)
  return { forward: compile(forward), backward: compile(backward) }
}

/** A chunk by sessions over `ChunkGraphs`. @param feeds of both, the parameters excepted */
export function sessionChunk(
  sessions: { forward: Session; backward: Session },
  parameters: NamedArrays,
  feeds: Readonly<Record<string, Tensor>>,
): CachedChunk {
  const run = async (session: Session, more: NamedArrays, signal?: AbortSignal) => {
    const all: Readonly<Record<string, Tensor>> = { ...parameters, ...feeds, ...more }
    const wanted = session.inputs.flatMap(({ name }) =>
      all[name] === undefined ? [] : [[name, all[name]] as const],
    )
    return await session.run(Object.fromEntries(wanted), { signal })
  }
  return {
    vectors: async (signal) => floats(await run(sessions.forward, {}, signal)),
    gradients: async (upstream, signal) => {
      const named = Object.entries(upstream).map(([name, value]) => [UPSTREAM + name, value] as const)
      return stepResultOf(await run(sessions.backward, Object.fromEntries(named), signal)).gradients
    },
  }
}

/**
 * The loss over cached vectors, as a graph of its own.
 * @param dims of the vectors by name, e.g. `{ query: ['pairs', 192], target: ['pairs', 192] }`
 */
export function vectorLossGraph(
  dims: Readonly<Record<string, readonly Dim[]>>,
  build: (graph: Graph, vectors: Readonly<Record<string, Value<'f32'>>>) => Loss,
): CompiledGraph {
  const graph = new Graph()
  const inputs = Object.entries(dims).map(([name, shape]) => ({
    name,
    value: graph.input(VECTOR + name, 'f32', shape),
  }))
  outputLoss(graph, build(graph, Object.fromEntries(inputs.map(({ name, value }) => [name, value]))), inputs)
  return compile(graph)
}

/**
 * The loss by a session over a `vectorLossGraph`.
 * @param feeds inputs of the loss beside the vectors
 */
export function sessionLoss(
  session: Session,
  feeds: Readonly<Record<string, Tensor>> = {},
): GradCacheOptions['loss'] {
  return async (vectors, signal) => {
    const named = Object.entries(vectors).map(([name, value]) => [VECTOR + name, value] as const)
    return stepResultOf(await session.run({ ...feeds, ...Object.fromEntries(named) }, { signal }))
  }
}

function floats(outputs: Readonly<Record<string, Tensor>>): NamedArrays {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, value]) => (isF32(value) ? [[name, value]] : [])),
  )
}
