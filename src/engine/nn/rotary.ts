/** @file Rotary position embedding, half rotation ("rotate half", not interleaved). */

import { f32 } from '../../foundation/numeric/tensor.ts'
import { multiplyDims } from '../graph/dims.ts'
import { add, div, mul, sub } from '../graph/elementwise.ts'
import type { Graph, Value } from '../graph/graph.ts'
import { gather } from '../graph/indexing.ts'
import { reduceSum } from '../graph/reduction.ts'
import { rotatePairs } from '../graph/rotation.ts'
import { reshape } from '../graph/shaping.ts'

export interface RotaryShape {
  headDim: number
  /** Base of the geometric series of wavelengths. */
  theta: number
  /** Positions run from 0 to this number, exclusive. */
  maxPositions: number
  /** Instead of the plain series of `theta`. */
  scaling?: RotaryScaling
}

/** A rotation stretched to longer contexts than it was first trained with. */
export interface RotaryScaling {
  /** Radians that each of the `headDim / 2` pairs turns by from one position to the next. */
  readonly frequencies: readonly number[]
  /** Cosines and sines are multiplied by it (YaRN's attention factor). */
  readonly magnitude: number
}

/** Cosine and sine of every position's angles, `[batch or 1, seq, 1, headDim / 2]` each. */
export interface Rotary {
  cos: Value<'f32'>
  sin: Value<'f32'>
}

const BLOCK = 256

/**
 * Angles `p·theta^(−2i/headDim)` of positions `p`. Cosines come from two small tables, joined by
 * the sum formula (`p = 256·block + rest`): any context length takes few constants, and no device
 * has to take the sine of a large number, which WebGPU does badly.
 * @param positions `[batch, seq]` or `[seq] i64`
 * @see Su et al. 2021; specs/ar-vlms.md §0.5
 */
export function rotaryOf(
  graph: Graph,
  positions: Value<'i64'>,
  { headDim, theta, maxPositions, scaling }: RotaryShape,
): Rotary {
  const { frequencies, magnitude } = scaling ?? {
    frequencies: plainFrequencies(theta, headDim),
    magnitude: 1,
  }
  const block = div(positions, BLOCK)
  const rest = sub(positions, mul(block, BLOCK))
  const far = angles(graph, block, frequencies, {
    rows: Math.ceil(maxPositions / BLOCK),
    step: BLOCK,
    magnitude: 1,
  })
  // Each product below has one near factor, so the magnitude goes into that table.
  const near = angles(graph, rest, frequencies, { rows: Math.min(BLOCK, maxPositions), step: 1, magnitude })
  const seq = positions.dims.at(-1)!
  const batch = positions.dims.length === 2 ? positions.dims[0]! : 1
  const shaped = (x: Value<'f32'>) => reshape(x, [batch, seq, 1, headDim / 2])
  return {
    cos: shaped(sub(mul(far.cos, near.cos), mul(far.sin, near.sin))),
    sin: shaped(add(mul(far.sin, near.cos), mul(far.cos, near.sin))),
  }
}

/**
 * Rotary positions with several numbers each: every frequency reads one of them.
 * @param positions `[axes, batch, seq] i64`
 * @param axisOf    for each of the `headDim / 2` frequencies, which axis it reads
 * @see Wang et al. 2024 (M-RoPE); specs/ar-vlms.md §3.5
 */
export function multiAxisRotary(
  graph: Graph,
  positions: Value<'i64'>,
  axisOf: readonly number[],
  shape: RotaryShape,
): Rotary {
  const [axes, batch, seq] = positions.dims
  const half = shape.headDim / 2
  const each = rotaryOf(graph, reshape(positions, [multiplyDims(axes!, batch!), seq!]), shape)
  const reads = Float32Array.from({ length: Number(axes) * half }, (_, i) =>
    axisOf[i % half] === Math.floor(i / half) ? 1 : 0,
  )
  const chosen = graph.constant(f32([Number(axes), 1, 1, 1, half], reads))
  const pick = (x: Value<'f32'>) => reduceSum(mul(reshape(x, [axes!, batch!, seq!, 1, half]), chosen), [0])
  return { cos: pick(each.cos), sin: pick(each.sin) }
}

/** The geometric series `theta^(−2i/headDim)`, radians a position. @see Su et al. 2021 */
export function plainFrequencies(theta: number, headDim: number): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim))
}

interface AngleTable {
  rows: number
  step: number
  magnitude: number
}

/**
 * Cosine and sine at `index·step`, times the magnitude, read from tables that were computed in
 * double precision.
 */
function angles(
  graph: Graph,
  index: Value<'i64'>,
  frequencies: readonly number[],
  { rows, step, magnitude }: AngleTable,
): Rotary {
  const half = frequencies.length
  const table = (of: (angle: number) => number) => {
    const values = new Float32Array(rows * half)
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < half; i++) values[row * half + i] = magnitude * of(row * step * frequencies[i]!)
    }
    return gather(graph.constant(f32([rows, half], values)), index)
  }
  return { cos: table(Math.cos), sin: table(Math.sin) }
}

/**
 * Turns each pair `(i, i + headDim / 2)` by its angle.
 * @param x `[batch, seq, heads, headDim]` @returns the same shape
 */
export function rotate(x: Value<'f32'>, { cos, sin }: Rotary): Value<'f32'> {
  return rotatePairs(x, cos, sin)
}
