/**
 * @file Foretells time and memory of a tuning on this machine, from the shapes of its graphs and
 * half a second of work of the same kind. No weight is read.
 */

import { vectorJacobian } from '../../../engine/graph/backward.ts'
import { costOf, type GraphCost } from '../../../engine/graph/cost.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { liveBytes } from '../../../engine/graph/live-memory.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import type { MemoryMode } from '../../../engine/runtime/placement.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { attentionOf } from '../../../models/embedder/attention.ts'
import type { EncoderOptions } from '../../../models/embedder/encoder.ts'
import { speedFor, towerCost } from '../../../models/embedder/estimate.ts'
import type { MachineSpeed } from '../../../models/embedder/probe.ts'
import type { Readout } from '../../../models/embedder/readout.ts'
import type { Sequence } from '../../../models/embedder/sequence.ts'
import type { VisionLanguageModel } from '../../../models/families/model.ts'
import type { ModelWeights } from '../../../models/families/model-weights.ts'
import { modelParameters } from '../../../models/families/parameters.ts'
import { fedParameters } from '../../training/gradient.ts'
import { chunkVectors } from '../chunk-graph.ts'
import { splitByLength } from '../split.ts'
import type { TuningForecast } from './plan.ts'

export interface ForecastOptions {
  model: VisionLanguageModel
  encoder: EncoderOptions
  /** How weights enter a training graph: which are trained. */
  weights: ModelWeights
  readouts: readonly Readout[]
  /** Whether the tower is trained too: else each picture runs through it once. */
  tower: boolean
  /** Numbers that are trained. */
  trained: number
  /** Items of some batches, prepared. */
  batches: readonly (readonly Sequence[])[]
  /** Positions that run at once. */
  chunkTokens: number
  /** Whether layers are computed anew in the backward pass. */
  recompute: boolean
  /** `low`: weights of 16 bits stay as they are stored. Default `fast`. */
  memory?: MemoryMode
  /** Batches of an update. */
  accumulate: number
  updates: number
  /** Pictures of all pairs: what a frozen tower sees in all. */
  pictures: number
  /** Pictures of a batch; default: those that differ in `batches`. */
  picturesOfBatch?: number
  /** Items that all evaluations together embed. */
  evaluated: number
  /** In f32; default: it is measured now. */
  machine?: MachineSpeed
}

/** A batch in pieces that run one after the other: rows, and positions of each. */
export interface ChunkShapes {
  /** One graph does everything; else each piece runs twice (GradCache). */
  readonly whole: boolean
  readonly shapes: readonly { readonly rows: number; readonly positions: number }[]
}

/** Of work by which the machine is measured; one product of a large model takes longer. */
const PROBE_SECONDS = 0.5
/** Groups of one graph, as the trainer makes them. */
const GROUPS = 3
/** Of the process without a model: Node, the engine, its threads. */
const PROCESS_BYTES = 300 * 2 ** 20
/** Parameters, gradients and two moments, in f32. */
const BYTES_TRAINED = 4 * 4

/** @throws RuntimeError for the device; EmbedderError for a readout that the model has not */
export async function forecastTuning(options: ForecastOptions): Promise<TuningForecast> {
  const { model, encoder, batches, updates, accumulate, tower, chunkTokens } = options
  const machine = options.machine ?? (await speedFor({ model, encoder: f32Encoder(encoder) }, PROBE_SECONDS))
  const seconds = ({ operations, elements }: GraphCost) =>
    operations / machine.operations + elements / machine.elements
  const { forward, backward } = chunkGraphsOf(options)
  const seenBy = towerCost(model)
  const cost = (graph: Graph, { rows, positions }: ChunkShapes['shapes'][number]) =>
    costOf(graph, sizesOf(rows, positions))
  let [stepSeconds, towerSeconds, pictures, forwardSeconds, items, activations] = [0, 0, 0, 0, 0, 0]
  for (const batch of batches) {
    const { whole, shapes } = chunkShapes(
      batch.map(({ tokens }) => tokens),
      chunkTokens,
    )
    for (const shape of shapes) {
      const alone = seconds(cost(forward, shape))
      stepSeconds += seconds(cost(backward, shape)) + (whole ? 0 : alone)
      forwardSeconds += alone
    }
    const live = shapes.map(({ rows, positions }) => liveBytes(backward, sizesOf(rows, positions)))
    activations = Math.max(
      activations,
      whole ? live.reduce((sum, bytes) => sum + bytes, 0) : Math.max(...live),
    )
    const seen = new Map(batch.map(({ item, pictureKey }) => [pictureKey, item]))
    for (const [key, item] of seen) {
      if (key === undefined) continue
      towerSeconds += seconds(seenBy(item))
      pictures++
    }
    items += batch.length
  }
  const perBatch = stepSeconds / batches.length
  // Backward passes through a trained tower take about twice its forward pass.
  const trainedTower = tower ? (3 * towerSeconds) / batches.length : 0
  const secondsPerUpdate = accumulate * (perBatch + trainedTower)
  const perPicture = pictures === 0 ? 0 : towerSeconds / pictures
  const { picturesOfBatch = pictures / batches.length } = options
  const seenPictures = Math.min(options.pictures, updates * accumulate * picturesOfBatch)
  const firstSight = tower ? 0 : perPicture * seenPictures
  const evaluating = items === 0 ? 0 : (options.evaluated * forwardSeconds) / items
  return {
    secondsPerUpdate,
    seconds: updates * secondsPerUpdate + firstSight + evaluating,
    bytes: PROCESS_BYTES + weightBytes(options) + BYTES_TRAINED * options.trained + activations,
  }
}

/** A tuning computes in f32, whatever the contract says. */
function f32Encoder(encoder: EncoderOptions): EncoderOptions {
  return { ...encoder, contract: { ...encoder.contract, dtype: 'f32' } }
}

/** A group of sequences to vectors; and from their gradients to those of all trained arrays. */
function chunkGraphsOf({ model, encoder, weights, readouts, recompute }: ForecastOptions): {
  forward: Graph
  backward: Graph
} {
  const attention = attentionOf(encoder.contract, model.shape)
  const vectorsIn = (graph: Graph) =>
    chunkVectors(
      rootScope(graph, { ...weights.scope, recompute }),
      model,
      { attention, readouts },
      { groups: 1, pictures: 'rows' },
    )
  const forward = new Graph()
  vectorsIn(forward).forEach((vectors, i) => {
    forward.output(`vectors${i}`, vectors)
  })
  const backward = new Graph()
  const seeds = vectorsIn(backward).map((output, i) => ({
    output,
    upstream: backward.input(`upstream${i}`, 'f32', output.dims),
  }))
  const trained = fedParameters(
    backward,
    seeds.map(({ output }) => output),
  )
  vectorJacobian(
    seeds,
    trained.map(({ value }) => value),
  ).forEach((gradient, i) => {
    backward.output(`gradient${i}`, gradient)
  })
  return { forward, backward }
}

function sizesOf(rows: number, positions: number): Map<string, number> {
  return new Map([
    ['batch0', rows],
    ['seq0', positions],
    // Image rows stand for at most as many positions.
    ['rows', rows * positions],
  ])
}

/**
 * Cuts a batch as the trainer does: into groups of one graph where they fit a chunk together, else
 * into chunks, the longest items first.
 * @param lengths positions of each item
 */
export function chunkShapes(lengths: readonly number[], chunkTokens: number): ChunkShapes {
  const groups = splitByLength(lengths, Math.min(GROUPS, lengths.length)).map((members) =>
    members.map((at) => lengths[at]!),
  )
  const together = groups.map((group) => ({ rows: group.length, positions: Math.max(...group) }))
  if (together.reduce((sum, { rows, positions }) => sum + rows * positions, 0) <= chunkTokens)
    return { whole: true, shapes: together }
  const shapes: { rows: number; positions: number }[] = []
  for (const length of [...lengths].sort((a, b) => b - a)) {
    const open = shapes.at(-1)
    if (open !== undefined && (open.rows + 1) * open.positions <= chunkTokens) open.rows++
    else shapes.push({ rows: 1, positions: length })
  }
  return { whole: false, shapes }
}

/** Weights of the whole model, the head left out: in f32, or in 16 bits where they stay so. */
function weightBytes({ model, weights, memory }: ForecastOptions): number {
  return modelParameters(model, { head: false }).reduce((sum, { name, dims }) => {
    const stays = memory === 'low' && weights.scope.storedDtype(name) !== 'f32'
    return sum + (stays ? 2 : 4) * sizeOf(dims)
  }, 0)
}
