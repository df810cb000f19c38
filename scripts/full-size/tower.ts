/**
 * @file A pre-norm image tower with planted weights, seen by a white picture: every patch is the
 * same, so that attention changes nothing and one patch stands for all. Channel 0 carries the
 * pixel; each layer's blocks read it and write to a channel of their own, as in the decoder.
 */

import {
  attentionChannel,
  feedForwardChannel,
  ONES,
  type Plant,
  type Strength,
  step,
  unit,
} from './plants.ts'

/** Full names of a layer's tensors. */
export interface TowerTensors {
  readonly attentionNorm: string
  readonly value: string
  readonly output: string
  readonly feedForwardNorm: string
  /** Of a gated block: its gate. */
  readonly first: string
  readonly second: string
  /** Of a gated block: what its gate multiplies. */
  readonly up?: string
}

export interface PlantedTower {
  tensors(layer: number): TowerTensors
  readonly hidden: number
  readonly inner: number
  readonly layers: number
  /**
   * Where values begin in the tensor that makes them: behind queries and keys where the three are
   * one.
   */
  readonly valueRow: number
  activation(x: number): number
  /** Default: with the mean taken away. */
  readonly norm?: 'rms'
}

/** Of every norm in the towers. */
export const EPSILON = 1e-6

export function plantTower({ tensors, hidden, inner, layers, valueRow }: PlantedTower): [string, Plant][] {
  const small = unit(hidden)
  return Array.from({ length: layers }, (_, layer): [string, Plant][] => {
    const { attentionNorm, value, output, feedForwardNorm, first, second, up } = tensors(layer)
    const feature = hidden - 1 - layer
    const neuron = inner - 1 - layer
    return [
      [attentionNorm, ONES],
      [value, { value: small, at: [(valueRow + feature) * hidden] }],
      [output, { value: step(layer) / 8, at: [attentionChannel(layer) * hidden + feature] }],
      [feedForwardNorm, ONES],
      [first, { value: small, at: [neuron * hidden] }],
      ...(up === undefined ? [] : [[up, { value: small, at: [neuron * hidden] }] as [string, Plant]]),
      [second, { value: step(layer) / 8, at: [feedForwardChannel(layer) * inner + neuron] }],
    ]
  }).flat()
}

/**
 * A patch after the last layer.
 * @param pixel channel 0 of its embedding
 * @returns the channels that are not zero: 0, then two for each layer
 */
export function towerByHand(tower: PlantedTower, pixel: number, strength: Strength): number[] {
  const { tensors, layers, activation } = tower
  const channels = [pixel]
  for (let layer = 0; layer < layers; layer++) {
    const { attentionNorm, value, output, feedForwardNorm, first, second, up } = tensors(layer)
    channels.push(normed(channels, tower)[0]! * strength(attentionNorm) * strength(value) * strength(output))
    const state = normed(channels, tower)[0]! * strength(feedForwardNorm)
    const gated = up === undefined ? 1 : state * strength(up)
    channels.push(activation(state * strength(first)) * gated * strength(second))
  }
  return channels
}

/** The norm of a state that is zero beyond `channels`; its own weight is left to the caller. */
export function normed(
  channels: readonly number[],
  { hidden, norm }: Pick<PlantedTower, 'hidden' | 'norm'>,
): number[] {
  const mean = norm === 'rms' ? 0 : channels.reduce((sum, x) => sum + x, 0) / hidden
  const variance = channels.reduce((sum, x) => sum + x ** 2, 0) / hidden - mean ** 2
  return channels.map((x) => (x - mean) / Math.sqrt(variance + EPSILON))
}

/** Floating-point operations of `views` of `patches` each. */
export function towerOperations(
  { tensors, hidden, inner, layers }: PlantedTower,
  patches: number,
  views: number,
): number {
  const matrices = tensors(0).up === undefined ? 2 : 3
  return (
    views * layers * (2 * patches * (4 * hidden ** 2 + matrices * hidden * inner) + 4 * patches ** 2 * hidden)
  )
}

export function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
}

export function silu(x: number): number {
  return x / (1 + Math.exp(-x))
}

export function quickGelu(x: number): number {
  return x / (1 + Math.exp(-1.702 * x))
}

/**
 * The projection's neuron: GELU by the error function leaves what is above 6 as it is, to nine
 * digits and more.
 * @param x above 6, or 0
 */
export function plainGelu(x: number): number {
  return x > 6 ? x : 0
}
