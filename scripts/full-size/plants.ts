/**
 * @file Numbers put into weights that are zero otherwise. Each planted tensor holds one number at
 * some places, so that what a model computes with it can be worked out with pencil and paper, and
 * so that leaving one tensor out says what its effect is.
 */

import type { Run } from './sparse.ts'

export interface Plant {
  readonly value: number
  /**
   * Elements, flat; `all` for the weights of norms, which would stop everything if they were zero.
   */
  readonly at: readonly number[] | 'all'
  /** A factor of `value` at each place; default 1. */
  readonly factors?: readonly number[]
}

/**
 * By the tensor's name in the files. Sums and products of them are exact in bf16 where they are
 * stored.
 */
export type Plants = ReadonlyMap<string, Plant>

/** The number in a tensor; 0 where nothing is planted. Calculations ask for it by name. */
export type Strength = (tensor: string) => number

/** @param without tensors that count as zeros */
export function strengthOf(plants: Plants, without: readonly string[] = []): Strength {
  return (tensor) => (without.includes(tensor) ? 0 : (plants.get(tensor)?.value ?? 0))
}

/** Neighbours joined. @param size elements of the tensor */
export function runsOf({ value, at, factors }: Plant, size: number): Run[] {
  if (at === 'all') return [{ at: 0, values: new Array<number>(size).fill(value) }]
  const runs: { at: number; values: number[] }[] = []
  for (const [i, place] of at.entries()) {
    const last = runs.at(-1)
    const number = value * (factors?.[i] ?? 1)
    if (last !== undefined && place === last.at + last.values.length) last.values.push(number)
    else runs.push({ at: place, values: [number] })
  }
  return runs
}

export const ONES: Plant = { value: 1, at: 'all' }

/**
 * Differs from layer to layer, so that no layer's tensor can stand for another's: 1 + n/64 is exact
 * in bf16 up to n = 63.
 */
export function step(layer: number): number {
  return 1 + layer / 64
}

/** A power of two near 1/√width: a lone channel of a normed state times it is about 1. */
export function unit(width: number): number {
  return 2 ** -Math.round(Math.log2(width) / 2)
}

/**
 * Channels of the residual stream that the blocks of a layer write to; channel 0 is what they read.
 */
export const attentionChannel = (layer: number) => 1 + 2 * layer
export const feedForwardChannel = (layer: number) => 2 + 2 * layer
