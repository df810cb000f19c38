/**
 * @file The decoder with planted weights: channel 0 of the stream carries each position's own
 * number, attention and feed-forward block of layer `n` each read it and write to a channel of
 * their own. Queries and keys are zero, so attention is the plain mean of what a position sees.
 */

import type { DecoderPlaces } from '../../src/models/families/decoders/llada.ts'
import {
  attentionChannel,
  feedForwardChannel,
  ONES,
  type Plant,
  type Strength,
  step,
  unit,
} from './plants.ts'
import { silu } from './tower.ts'

export interface PlantedDecoder {
  readonly places: DecoderPlaces
  readonly hidden: number
  readonly inner: number
  readonly heads: number
  readonly keyValueHeads: number
  readonly headDim: number
  readonly layers: number
  readonly epsilon: number
  /** A causal decoder is read at the last position, others at the mean. */
  readonly causal: boolean
  /** Positions of a block, where attention looks within blocks and back. */
  readonly block?: number
}

function tensorsOf({ places: { stack, names } }: PlantedDecoder, layer: number) {
  const at = (module: string) => `${stack}.${names.layer(layer)}.${module}.weight`
  const { attentionNorm, value, output, mlpNorm, gate, up, down } = names
  return {
    attentionNorm: at(attentionNorm),
    value: at(value),
    output: at(output),
    feedForwardNorm: at(mlpNorm),
    gate: at(gate),
    up: at(up),
    down: at(down),
  }
}

const finalNorm = ({ places: { stack, names } }: PlantedDecoder) => `${stack}.${names.norm}.weight`

export function plantDecoder(decoder: PlantedDecoder): [string, Plant][] {
  const { hidden, inner, heads, keyValueHeads, headDim, layers } = decoder
  const small = unit(hidden)
  const planted: [string, Plant][] = [[finalNorm(decoder), ONES]]
  for (let layer = 0; layer < layers; layer++) {
    const tensors = tensorsOf(decoder, layer)
    // Far from the first rows, so that what is checked lies anywhere in a tensor.
    const feature = keyValueHeads * headDim - 1 - layer
    const keyValueHead = Math.floor(feature / headDim)
    const seen = ((keyValueHead * heads) / keyValueHeads) * headDim + (feature % headDim)
    const neuron = inner - 1 - layer
    planted.push(
      [tensors.attentionNorm, ONES],
      [tensors.value, { value: small, at: [feature * hidden] }],
      [tensors.output, { value: step(layer) / 8, at: [attentionChannel(layer) * heads * headDim + seen] }],
      [tensors.feedForwardNorm, ONES],
      [tensors.gate, { value: small, at: [neuron * hidden] }],
      [tensors.up, { value: small, at: [neuron * hidden] }],
      [tensors.down, { value: step(layer) / 8, at: [feedForwardChannel(layer) * inner + neuron] }],
    )
  }
  return planted
}

/**
 * The embedding, in f64, by what is planted alone.
 * @param carriers channel 0 of each position's embedding
 * @param marks a further channel of each position that is `MARK`; default none
 * @returns `[hidden]`, unit length
 */
export function vectorByHand(
  decoder: PlantedDecoder,
  carriers: readonly number[],
  strength: Strength,
  marks: readonly (number | undefined)[] = [],
): Float64Array {
  const { hidden, layers, epsilon, causal, block } = decoder
  /** How far each position sees: to itself, to the end of its block, to the end. */
  const seen = carriers.map((_, p) =>
    causal ? p + 1 : block === undefined ? carriers.length : ends(p, block),
  )
  /** Channels in order: 0, then two for each layer. */
  const channels: number[][] = [[...carriers]]
  const squares = carriers.map((carrier, p) => carrier ** 2 + (marks[p] === undefined ? 0 : MARK ** 2))
  const normed = (norm: string) =>
    carriers.map((carrier, p) => (carrier / Math.sqrt(squares[p]! / hidden + epsilon)) * strength(norm))
  const write = (channel: number[]) => {
    channels.push(channel)
    for (const [p, value] of channel.entries()) squares[p]! += value ** 2
  }
  for (let layer = 0; layer < layers; layer++) {
    const tensors = tensorsOf(decoder, layer)
    const values = normed(tensors.attentionNorm).map((x) => x * strength(tensors.value))
    write(means(values, seen).map((mean) => mean * strength(tensors.output)))
    write(
      normed(tensors.feedForwardNorm).map(
        (x) => silu(x * strength(tensors.gate)) * x * strength(tensors.up) * strength(tensors.down),
      ),
    )
  }
  const pooled = new Float64Array(hidden)
  const places = causal ? [carriers.length - 1] : [...carriers.keys()]
  for (const p of places) {
    const factor = strength(finalNorm(decoder)) / Math.sqrt(squares[p]! / hidden + epsilon) / places.length
    for (const [channel, values] of channels.entries()) pooled[channel]! += values[p]! * factor
    const mark = marks[p]
    if (mark !== undefined) pooled[mark]! += MARK * factor
  }
  const length = Math.hypot(...pooled)
  return length === 0 ? pooled : pooled.map((value) => value / length)
}

/** The end of a position's block. */
function ends(position: number, block: number): number {
  return (Math.floor(position / block) + 1) * block
}

/** The mean over the positions that each position sees: so many, or all that there are. */
function means(values: readonly number[], seen: readonly number[]): number[] {
  const sums: number[] = []
  for (const value of values) sums.push((sums.at(-1) ?? 0) + value)
  return seen.map((count) => {
    const last = Math.min(count, values.length)
    return sums[last - 1]! / last
  })
}

/** As large as several layers' outputs, so that it turns a vector. */
export const MARK = 16

/**
 * A channel of a token's embedding that no layer reads or writes. Tokens that some texts have and
 * others do not are marked there, so that the texts' vectors differ.
 */
export function markOf(id: number, { hidden }: PlantedDecoder): number {
  return hidden - 1 - (id % 128)
}

/** Floating-point operations of `positions`: matrix products and attention. */
export function decoderOperations(decoder: PlantedDecoder, positions: number): number {
  const { hidden, inner, heads, keyValueHeads, headDim, layers } = decoder
  const attention = hidden * headDim * (2 * heads + 2 * keyValueHeads)
  return layers * (2 * positions * (attention + 3 * hidden * inner) + 4 * positions ** 2 * heads * headDim)
}
