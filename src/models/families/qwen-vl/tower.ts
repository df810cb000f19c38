/**
 * @file The image tower of the Qwen family: patches of all pictures in one row, attention within
 * each picture (or window of it), four patches merged to a token.
 * @see Wang et al. 2024; Bai et al. 2025; specs/ar-vlms.md §3.4, §4.3, §4.5
 */

import { type Dim, multiplyDims } from '../../../engine/graph/dims.ts'
import { add } from '../../../engine/graph/elementwise.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { gather } from '../../../engine/graph/indexing.ts'
import { linear, matMul } from '../../../engine/graph/matmul.ts'
import { concat, reshape, slice } from '../../../engine/graph/shaping.ts'
import type { ActivationName } from '../../../engine/nn/activation.ts'
import { attend, attentionMask } from '../../../engine/nn/attention.ts'
import { gatedMlp, mlp } from '../../../engine/nn/mlp.ts'
import { layerNorm, rmsNorm } from '../../../engine/nn/norm.ts'
import { type Rotary, rotaryOf, rotate } from '../../../engine/nn/rotary.ts'
import type { Scope } from '../../../engine/nn/scope.ts'
import type { QwenTowerShape, QwenVersion } from './config.ts'

/** Every norm of the towers, whatever config.json says of the decoder's. */
const EPSILON = 1e-6
const ROPE_THETA = 10_000
/** Patches along a side, at most: a strip of the default limit has a quarter of it. */
const MAX_SIDE = 16_384
const MERGER_ACTIVATION: ActivationName = 'gelu'

/** Differences between the three towers, beyond sizes. */
interface TowerStyle {
  norm: typeof layerNorm
  patchBias: boolean
  feedForward(layer: Scope, x: Value<'f32'>, shape: QwenTowerShape): Value<'f32'>
  /** Names of the merger's norm and projections. */
  mergerNorm: string
  mergerLayers: readonly [string, string]
}

const QWEN2_MERGER = { mergerNorm: 'ln_q', mergerLayers: ['mlp.0', 'mlp.2'] } as const
const QWEN3_LAYERS = ['linear_fc1', 'linear_fc2'] as const
const GATED_NAMES = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' }

const styles: Readonly<Record<QwenVersion, TowerStyle>> = {
  'qwen2-vl': {
    norm: layerNorm,
    patchBias: false,
    feedForward: (layer, x, shape) => mlp(layer.under('mlp'), x, shape),
    ...QWEN2_MERGER,
  },
  'qwen2.5-vl': {
    norm: rmsNorm,
    patchBias: false,
    feedForward: (layer, x, shape) => gatedMlp(layer.under('mlp'), x, GATED_NAMES, shape, { bias: true }),
    ...QWEN2_MERGER,
  },
  'qwen3-vl': {
    norm: layerNorm,
    patchBias: true,
    feedForward: (layer, x, shape) => mlp(layer.under('mlp'), x, shape, QWEN3_LAYERS),
    mergerNorm: 'norm',
    mergerLayers: QWEN3_LAYERS,
  },
}

export interface QwenTower {
  /** `[patches, width]` what the merger gets; with windows, in their order. */
  vision: Value<'f32'>
  /** `[tokens, output]`, tokens row by row. */
  projector: Value<'f32'>
  /** The same of earlier layers. */
  deepstack: Value<'f32'>[]
}

/**
 * `scope` is `visual`. Declares the inputs that `towerFeeds` feeds.
 * @param pixels `[tokens, merge², 3·frames·patch²]`
 * @param output width of the tokens that the merger gives
 * @param mergerScope where the merger's weights are; default `merger`, within the tower
 */
export function qwenTower(
  scope: Scope,
  version: QwenVersion,
  shape: QwenTowerShape,
  output: number,
  pixels: Value<'f32'>,
  mergerScope = scope.under('merger'),
): QwenTower {
  const { hidden, merge, window } = shape
  const { graph } = scope
  const style = styles[version]
  const cells = pixels.dims[0]!
  const patches = multiplyDims(cells, merge * merge)
  const cellInput = (name: string) => graph.input(name, 'i64', [cells])
  const ordered = window === undefined ? pixels : gather(pixels, cellInput('cell_order'))
  let stream = reshape(embedPatches(scope, ordered, shape, style.patchBias), [patches, hidden])
  if (shape.positionSide !== undefined)
    stream = add(stream, learnedPositions(scope, shape, shape.positionSide, cells))
  const rotary = squareRotary(scope, shape, cells)
  const inPicture = segmentsOf(scope, 'picture', merge, cells)
  const inWindow = window && segmentsOf(scope, 'window', merge, cells)
  const merger = { ...style, hidden, merge, output }
  const deepstack: Value<'f32'>[] = []
  for (let index = 0; index < shape.layers; index++) {
    const layer = scope.under(`blocks.${index}`)
    const segments = inWindow === undefined || window?.fullLayers.includes(index) ? inPicture : inWindow
    stream = layer.segment(stream, (x) => {
      const before = style.norm(layer, x, 'norm1', hidden, EPSILON)
      const mixed = add(x, attention(layer.under('attn'), before, shape, { rotary, segments }))
      return add(mixed, style.feedForward(layer, style.norm(layer, mixed, 'norm2', hidden, EPSILON), shape))
    })
    for (const [k, at] of shape.deepstack.entries())
      if (at === index)
        deepstack[k] = merged(scope.under(`deepstack_merger_list.${k}`), stream, merger, 'after')
  }
  const tokens = merged(mergerScope, stream, merger, 'before')
  return {
    vision: stream,
    projector: window === undefined ? tokens : gather(tokens, cellInput('cell_places')),
    deepstack,
  }
}

/** @param pixels `[tokens, merge², values]` @returns `[tokens, merge², hidden]` */
function embedPatches(
  scope: Scope,
  pixels: Value<'f32'>,
  { hidden, channels, frames, patch }: QwenTowerShape,
  bias: boolean,
): Value<'f32'> {
  const name = 'patch_embed.proj'
  const values = channels * frames * patch * patch
  const kernel = reshape(scope.weight(`${name}.weight`, [hidden, channels, frames, patch, patch]), [
    hidden,
    values,
  ])
  return linear(pixels, kernel, bias ? scope.weight(`${name}.bias`, [hidden]) : undefined)
}

/** The square table of positions, stretched over each picture. @returns `[patches, hidden]` */
function learnedPositions(
  scope: Scope,
  { hidden, merge }: QwenTowerShape,
  side: number,
  cells: Dim,
): Value<'f32'> {
  const { graph } = scope
  const cell = merge * merge
  const index = graph.input('table_index', 'i64', [cells, cell, 4])
  const weights = graph.input('table_weights', 'f32', [cells, cell, 4])
  const corners = gather(scope.weight('pos_embed.weight', [side * side, hidden]), index)
  const mixed = matMul(reshape(weights, [cells, cell, 1, 4]), corners)
  return reshape(mixed, [multiplyDims(cells, cell), hidden])
}

/** Half of a head's frequencies turn by the row, half by the column. */
function squareRotary({ graph }: Scope, { hidden, heads, merge }: QwenTowerShape, cells: Dim): Rotary {
  const half = { headDim: hidden / heads / 2, theta: ROPE_THETA, maxPositions: MAX_SIDE }
  const along = (name: string) => {
    const places = graph.input(name, 'i64', [cells, merge * merge])
    return rotaryOf(graph, reshape(places, [multiplyDims(cells, merge * merge)]), half)
  }
  const [rows, columns] = [along('patch_rows'), along('patch_columns')]
  return { cos: concat([rows.cos, columns.cos], -1), sin: concat([rows.sin, columns.sin], -1) }
}

/** Patches that see each other, as rows of one padded batch. */
interface Segments {
  /** `[segments, longest] i64`, -1 = padding. */
  index: Value<'i64'>
  /** `[patches] i64` place of each patch in `index`, flat. */
  places: Value<'i64'>
}

function segmentsOf({ graph }: Scope, name: string, merge: number, cells: Dim): Segments {
  const places = graph.input(`${name}_places`, 'i64', [cells, merge * merge])
  return {
    index: graph.input(`${name}_patches`, 'i64', [`${name}s`, `${name}_length`]),
    places: reshape(places, [multiplyDims(cells, merge * merge)]),
  }
}

/** @param x `[patches, hidden]` @returns the same shape */
function attention(
  scope: Scope,
  x: Value<'f32'>,
  { hidden, heads, apart }: QwenTowerShape,
  { rotary, segments }: { rotary: Rotary; segments: Segments },
): Value<'f32'> {
  const patches = x.dims[0]!
  const headDim = hidden / heads
  const projected = apart
    ? concat(
        ['q', 'k', 'v'].map((name) => scope.linear(x, name, hidden, hidden)),
        -1,
      )
    : scope.linear(x, 'qkv', hidden, 3 * hidden)
  const joint = reshape(projected, [1, patches, 3 * heads, headDim])
  const turned = rotate(slice(joint, 2, 0, 2 * heads), rotary)
  // Padding reads the last patch, which the mask then hides.
  const split = (heads: Value<'f32'>) =>
    gather(reshape(heads, [patches, heads.dims[2]!, headDim]), segments.index)
  const queryKey = split(turned)
  const value = split(slice(joint, 2, 2 * heads))
  const [count, longest] = segments.index.dims
  const mask = attentionMask(scope.graph, 'bidirectional', longest!, add(segments.index, 1))
  const mixed = attend(slice(queryKey, 2, 0, heads), slice(queryKey, 2, heads), value, mask)
  const flat = gather(reshape(mixed, [multiplyDims(count!, longest!), hidden]), segments.places)
  return scope.linear(flat, 'proj', hidden, hidden)
}

/**
 * Patches of a token joined, normed before or after, and projected to the decoder's width.
 * @param x `[patches, hidden]` @returns `[tokens, output]`
 */
function merged(
  scope: Scope,
  x: Value<'f32'>,
  {
    norm,
    mergerNorm,
    mergerLayers,
    hidden,
    merge,
    output,
  }: TowerStyle & { hidden: number; merge: number; output: number },
  normed: 'before' | 'after',
): Value<'f32'> {
  const width = hidden * merge * merge
  const join = (states: Value<'f32'>) => reshape(states, [-1, width])
  const tokens =
    normed === 'before'
      ? join(norm(scope, x, mergerNorm, hidden, EPSILON))
      : norm(scope, join(x), mergerNorm, width, EPSILON)
  return mlp(
    scope,
    tokens,
    { hidden: width, inner: width, activation: MERGER_ACTIVATION, output },
    mergerLayers,
  )
}
