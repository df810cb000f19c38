/** @file The graphs of a tuning. Each is opened when it is first used, and then kept. */

import type { CompiledGraph, Precision } from '../../engine/graph/compiled.ts'
import type { Graph } from '../../engine/graph/graph.ts'
import { rootScope, type Scope } from '../../engine/nn/scope.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import type { MemoryMode } from '../../engine/runtime/placement.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import type { ModelWeights } from '../../models/families/model-weights.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { gradientGraph } from '../training/gradient.ts'
import { type ChunkKind, chunkVectors, type ReadAs } from './chunk-graph.ts'
import { type ChunkGraphs, chunkGraphs, vectorLossGraph } from './gradcache.ts'
import { lossOver } from './loss-graph.ts'
import type { ContrastiveLoss } from './losses/loss.ts'

export interface StepSessionsOptions {
  /** Names the model in messages. */
  id: string
  model: VisionLanguageModel
  attention: ReadAs['attention']
  /** By name; the loss is the mean of theirs. */
  readouts: Readonly<Record<string, Readout>>
  /** The model's weights in training. */
  weights: ModelWeights
  /** The same without dropout, for evaluations. Default: `weights`. */
  evaluated?: ModelWeights
  loss: ContrastiveLoss
  /** Trained scalars of the loss. */
  lossParameters: NamedArrays
  device?: Device
  threads?: number
  memory?: MemoryMode
  /** Of the frozen weights; adapters and loss are f32. Default f32. */
  precision?: Precision
  /** Whether backward passes compute layers anew, see `ScopeOptions`. Default false. */
  recompute?: boolean
  warn?: (message: string) => void
}

/** A session, and the trained arrays that each of its runs is fed with. */
export interface OpenedGraph {
  readonly session: Session
  readonly arrays: NamedArrays
}

export class StepSessions {
  readonly #options: StepSessionsOptions
  readonly #opened = new Map<string, Promise<OpenedGraph>>()
  readonly #chunks = new Map<string, ChunkGraphs>()

  constructor(options: StepSessionsOptions) {
    this.#options = options
  }

  /** From a whole micro-batch to loss and gradients. */
  async whole(kind: ChunkKind): Promise<OpenedGraph> {
    return await this.#open(`step ${keyOf(kind)}`, () => this.#wholeGraph(kind))
  }

  /** From a chunk to its vectors, by readout. @param training whether elements are dropped */
  async forward(kind: ChunkKind, training: boolean): Promise<OpenedGraph> {
    const { evaluated } = this.#options
    if (training || evaluated === undefined)
      return await this.#open(`vectors ${keyOf(kind)}`, () => this.#chunk(kind).forward)
    const build = () => this.#graphs(kind, evaluated).forward
    return await this.#open(`evaluation ${keyOf(kind)}`, build, evaluated)
  }

  /** From a chunk and the gradients of its vectors to those of the parameters. */
  async backward(kind: ChunkKind): Promise<OpenedGraph> {
    return await this.#open(`gradients ${keyOf(kind)}`, () => this.#chunk(kind).backward)
  }

  /** From the vectors of a whole micro-batch to the loss and their gradients. */
  async loss(): Promise<Session> {
    const { session } = await this.#open('loss', () => {
      const { readouts, loss, model } = this.#options
      const width = ({ dims = model.shape.hidden }: Readout) => dims
      const dims = Object.entries(readouts).map(([name, at]) => [name, ['items', width(at)]] as const)
      return vectorLossGraph(Object.fromEntries(dims), (graph, vectors) =>
        lossOver(
          graph,
          Object.keys(readouts).map((name) => vectors[name]!),
          loss,
        ),
      )
    })
    return session
  }

  /**
   * The trained arrays for which the graphs of these kinds have a gradient, by canonical name.
   * Nothing is opened.
   */
  trainedNames(kinds: readonly ChunkKind[]): string[] {
    const names = kinds.flatMap((kind) =>
      this.#chunk(kind).backward.outputs.map(({ name }) => name.slice('gradient/'.length)),
    )
    return [...new Set(names)]
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values())
    await Promise.all(
      opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value.session.close()] : [])),
    )
  }

  #wholeGraph(kind: ChunkKind): CompiledGraph {
    const { model, loss, precision } = this.#options
    return gradientGraph(
      (graph) => lossOver(graph, chunkVectors(this.#scope(graph), model, this.#read(), kind), loss),
      { precision },
    ).compiled
  }

  #chunk(kind: ChunkKind): ChunkGraphs {
    const made = this.#chunks.get(keyOf(kind)) ?? this.#graphs(kind, this.#options.weights)
    this.#chunks.set(keyOf(kind), made)
    return made
  }

  #graphs(kind: ChunkKind, weights: ModelWeights): ChunkGraphs {
    const { model, readouts, precision } = this.#options
    const names = Object.keys(readouts)
    const build = (graph: Graph) => {
      const vectors = chunkVectors(this.#scope(graph, weights), model, this.#read(), kind)
      return Object.fromEntries(names.map((name, i) => [name, vectors[i]!]))
    }
    return chunkGraphs(build, { precision })
  }

  #scope(graph: Graph, weights = this.#options.weights): Scope {
    return rootScope(graph, { ...weights.scope, recompute: this.#options.recompute })
  }

  #read(): ReadAs {
    const { attention, readouts } = this.#options
    return { attention, readouts: Object.values(readouts) }
  }

  async #open(
    name: string,
    build: () => CompiledGraph,
    weights = this.#options.weights,
  ): Promise<OpenedGraph> {
    const opening = this.#opened.get(name) ?? this.#openNow(name, build(), weights)
    this.#opened.set(name, opening)
    return await opening
  }

  async #openNow(name: string, compiled: CompiledGraph, weights: ModelWeights): Promise<OpenedGraph> {
    const { id, lossParameters, device, threads, memory, warn } = this.#options
    const session = await openSession(compiled, {
      weights: await weights.source(compiled),
      device,
      threads,
      memory,
      warn,
      name: `${id}: ${name}`,
    })
    return { session, arrays: { ...weights.feeds(compiled), ...lossParameters } }
  }
}

function keyOf({ groups, pictures }: ChunkKind): string {
  return `${groups} ${pictures}`
}
