/**
 * @file GradCache: the gradient of a large batch by small chunks. A contrastive loss looks at all
 * vectors of the batch, but the vectors don't look at each other: so all are computed first,
 * without anything kept for a backward pass; then the loss gives their gradients; then each chunk
 * runs again, and its backward pass starts from its own share of those. Memory is that of one
 * chunk, time one more forward pass.
 * @see Gao et al. 2021 (arXiv 2101.06983); specs/vlm2vec-mmeb.md §5.3
 */

import { vectorJacobian } from '../../engine/graph/backward.ts'
import { type CompileOptions, compile } from '../../engine/graph/compile.ts'
import type { CompiledGraph } from '../../engine/graph/compiled.ts'
import type { Dim } from '../../engine/graph/dims.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import type { RunOptions, Session } from '../../engine/runtime/session.ts'
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

/** The loss of a whole batch, given the vectors of each name in the order of the chunks. */
export type CachedLoss = (vectors: NamedArrays, signal?: AbortSignal) => Promise<CachedStep>

/** Loss and gradients of one step. The gradients of a `CachedLoss` are those of its own scalars. */
export interface CachedStep extends StepResult {
  /** Gradients of the vectors by name, `[rows, dim]`. */
  readonly cache: NamedArrays
}

export interface GradCacheOptions {
  /** Asked for one after the other: what a chunk needs can be made when its turn comes. */
  chunks: AsyncIterable<CachedChunk> | Iterable<CachedChunk>
  loss: CachedLoss
  signal?: AbortSignal
}

/** One step by chunks. */
export async function gradCache({ chunks, loss, signal }: GradCacheOptions): Promise<CachedStep> {
  const run: CachedChunk[] = []
  const parts: NamedArrays[] = []
  for await (const chunk of chunks) {
    run.push(chunk)
    parts.push(await chunk.vectors(signal))
  }
  const names = [...new Set(parts.flatMap((part) => Object.keys(part)))]
  const whole = names.map((name) => [name, joined(parts.flatMap((part) => part[name] ?? []))!] as const)
  const { gradients, ...found } = await loss(Object.fromEntries(whole), signal)
  const sum = new GradientSum()
  sum.add(gradients)
  const starts = new Map<string, number>()
  for (const [i, chunk] of run.entries()) {
    const upstream = Object.entries(parts[i]!).map(([name, { dims }]) => {
      const start = starts.get(name) ?? 0
      starts.set(name, start + dims[0]!)
      return [name, rangeOf(found.cache[name]!, start, dims[0]!)] as const
    })
    sum.add(await chunk.gradients(Object.fromEntries(upstream), signal))
  }
  return { ...found, gradients: sum.times(1) }
}

/** Sums gradients of parts, in f64. */
export class GradientSum {
  readonly #sums = new Map<string, { dims: readonly number[]; data: Float64Array }>()

  add(gradients: NamedArrays): void {
    for (const [name, { dims, data }] of Object.entries(gradients)) {
      const sum = this.#sums.get(name) ?? { dims, data: new Float64Array(data.length) }
      for (let at = 0; at < data.length; at++) sum.data[at]! += data[at]!
      this.#sums.set(name, sum)
    }
  }

  /** The sums times a number, in f32. */
  times(factor: number): NamedArrays {
    const scaled = [...this.#sums].map(([name, { dims, data }]) => {
      const values = new Float32Array(data.length)
      for (let at = 0; at < data.length; at++) values[at] = data[at]! * factor
      return [name, f32(dims, values)] as const
    })
    return Object.fromEntries(scaled)
  }
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
 * @param options.precision of the frozen weights
 * @throws GraphError `graph/no-gradient` when the vectors ignore a fed parameter
 */
export function chunkGraphs(
  build: (graph: Graph) => Readonly<Record<string, Value<'f32'>>>,
  options: Pick<CompileOptions, 'precision'> = {},
): ChunkGraphs {
  const forward = new Graph()
  for (const [name, value] of Object.entries(build(forward))) forward.output(name, value)
  const backward = new Graph()
  const seeds = Object.entries(build(backward)).map(([name, output]) => ({
    output,
    upstream: backward.input(UPSTREAM + name, 'f32', output.dims),
  }))
  const trained = fedParameters(
    backward,
    seeds.map(({ output }) => output),
  )
  const found = vectorJacobian(
    seeds,
    trained.map(({ value }) => value),
  )
  for (const [i, { name }] of trained.entries()) backward.output(`gradient/${name}`, found[i]!)
  return { forward: compile(forward, options), backward: compile(backward, options) }
}

/** A chunk by sessions over `ChunkGraphs`. @param feeds what both want beside the parameters */
export function sessionChunk(
  sessions: { forward: Session; backward: Session },
  parameters: NamedArrays,
  feeds: Readonly<Record<string, Tensor>>,
): CachedChunk {
  return {
    vectors: async (signal) =>
      floatsIn(await runWith(sessions.forward, { ...parameters, ...feeds }, { signal })),
    gradients: async (upstream, signal) => {
      const all = { ...parameters, ...feeds, ...upstreamFeeds(upstream) }
      return stepResultOf(await runWith(sessions.backward, all, { signal })).gradients
    },
  }
}

/** Feeds of a backward graph for the gradients of its vectors. */
export function upstreamFeeds(upstream: NamedArrays): NamedArrays {
  return prefixed(UPSTREAM, upstream)
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
    name: VECTOR + name,
    own: name,
    value: graph.input(VECTOR + name, 'f32', shape),
  }))
  const loss = build(graph, Object.fromEntries(inputs.map(({ own, value }) => [own, value])))
  outputLoss(graph, loss, [...inputs, ...fedParameters(graph, [loss.loss])])
  return compile(graph)
}

/**
 * The loss by a session over a `vectorLossGraph`.
 * @param feeds inputs of the loss beside the vectors
 */
export function sessionLoss(session: Session, feeds: Readonly<Record<string, Tensor>> = {}): CachedLoss {
  return async (vectors, signal) => {
    const outputs = await runWith(session, { ...feeds, ...prefixed(VECTOR, vectors) }, { signal })
    const { gradients, ...result } = stepResultOf(outputs)
    const [ofVectors, own] = [new Map<string, Tensor<'f32'>>(), new Map<string, Tensor<'f32'>>()]
    for (const [name, value] of Object.entries(gradients)) {
      if (name.startsWith(VECTOR)) ofVectors.set(name.slice(VECTOR.length), value)
      else own.set(name, value)
    }
    return { ...result, cache: Object.fromEntries(ofVectors), gradients: Object.fromEntries(own) }
  }
}

/** The loss alone, without gradients. */
export async function lossValue(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  vectors: NamedArrays,
  signal?: AbortSignal,
): Promise<StepResult> {
  const outputs = session.outputs.flatMap(({ name }) => (name.startsWith('gradient/') ? [] : [name]))
  return stepResultOf(await runWith(session, { ...feeds, ...prefixed(VECTOR, vectors) }, { outputs, signal }))
}

/** Runs a session with those of the feeds that it wants. */
export async function runWith(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  options?: RunOptions,
): Promise<Record<string, Tensor>> {
  const wanted = session.inputs.flatMap(({ name }) => {
    const value = feeds[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return await session.run(Object.fromEntries(wanted), options)
}

/** The arrays of floats among results. */
export function floatsIn(outputs: Readonly<Record<string, Tensor>>): NamedArrays {
  return Object.fromEntries(
    Object.entries(outputs).flatMap(([name, value]) => (isF32(value) ? [[name, value]] : [])),
  )
}

function prefixed(prefix: string, arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, value]) => [prefix + name, value]))
}
