/**
 * @file MAGVIT-v2, the image tokenizer of MMaDA and Omni-Diffusion. A white picture is planted to
 * get one code in every cell.
 * @see specs/mmada.md §1
 */

import { Graph } from '../../src/engine/graph/graph.ts'
import { rootScope } from '../../src/engine/nn/scope.ts'
import { sizeOf } from '../../src/foundation/numeric/tensor.ts'
import { decodeImage, encodeImage } from '../../src/models/families/mmada/image-tokenizer.ts'
import { parametersOf } from '../../src/models/families/weights.ts'
import type { PlantedWeights, Size } from './layout.ts'
import { ONES, type Plant, type Strength } from './plants.ts'
import type { SparseTensor } from './sparse.ts'

const BITS = 13
export const CODES = 2 ** BITS
/** The code that a white picture is planted to get in every cell: 1010101010101 in bits. */
export const PLANTED_CODE = 5461
const RESOLUTION = 512
const ENCODER = { multipliers: [1, 2, 2, 4, 4], blocks: [4, 3, 4, 3, 4], bits: BITS }
const DECODER = { multipliers: [1, 1, 2, 2, 4], blocks: [4, 4, 3, 4, 3], bits: BITS }
/** Middle of a 3×3 kernel. */
const MIDDLE = 4

/**
 * Where the white pixel, 1, passes: channel 0 all the way, residual blocks add nothing to it.
 * Levels change the width at their first block. Every tensor here is needed, or all latents are 0,
 * which is code 0.
 */
const PATH = [
  'encoder.conv_in.weight',
  ...[0, 1, 2, 3].map((level) => `encoder.down.${level}.downsample.conv.weight`),
  'encoder.down.1.block.0.nin_shortcut.weight',
  'encoder.down.3.block.0.nin_shortcut.weight',
]
const [NORM, TO_BITS, TO_LATENTS] = [
  'encoder.norm_out.weight',
  'encoder.conv_out.weight',
  'encoder.quant_conv.weight',
]

/** Weights, and the content of its config.json. */
export function magvit(size: Size): PlantedWeights & { tokenizer: object } {
  // 32 groups of every norm divide the width.
  const width = Math.max(32, 128 / size.scale)
  const stacks = { encoder: stackConfig(width, ENCODER), decoder: stackConfig(width, DECODER) }
  // The published file holds no sizes.
  const tokenizer = {
    _class_name: 'MAGVITv2',
    _diffusers_version: '0.30.1',
    ...(size.scale === 1 ? {} : stacks),
  }
  return { ...imageTokenizer(width), tokenizer }
}

/** Whether a white picture gets the planted code: else all latents are 0, which is code 0. */
export function whitePasses(strength: Strength): boolean {
  return [...PATH, NORM, TO_BITS, TO_LATENTS].every((tensor) => strength(tensor) > 0)
}

function stackConfig(width: number, { multipliers, blocks, bits }: typeof ENCODER) {
  return {
    ch: width,
    ch_mult: multipliers,
    num_res_blocks: blocks,
    z_channels: bits,
    double_z: false,
    resolution: RESOLUTION,
    attn_resolutions: [5],
  }
}

/** Encoder, decoder and the two buffers of the code book, f32. */
function imageTokenizer(width: number): PlantedWeights {
  const graph = new Graph()
  const scope = rootScope(graph)
  encodeImage(
    scope,
    { width, ...ENCODER },
    graph.input('pixels', 'f32', ['views', 3, RESOLUTION, RESOLUTION]),
  )
  decodeImage(scope, { width, ...DECODER }, graph.input('signs', 'f32', ['views', BITS, 32, 32]))
  const widest = 4 * width
  const bits = Array.from({ length: BITS }, (_, i) => i)
  const signs = bits.map((bit) => ((PLANTED_CODE >> (BITS - 1 - bit)) & 1 ? 1 : -1))
  const plants = new Map<string, Plant>([
    ...PATH.map((name): [string, Plant] => [
      name,
      { value: 1, at: [name.includes('nin_shortcut') ? 0 : MIDDLE] },
    ]),
    [NORM, ONES],
    [TO_BITS, { value: 1, at: bits.map((bit) => bit * widest * 9 + MIDDLE), factors: signs }],
    [TO_LATENTS, { value: 1, at: bits.map((bit) => bit * BITS + bit) }],
    ['quantize.embedding', { value: 1, at: bookPlaces(), factors: bookPlaces().map(bookSign) }],
    ['quantize.power_vals', { value: 1, at: bits, factors: bits.map((bit) => 2 ** (BITS - 1 - bit)) }],
  ])
  const weights = parametersOf(graph).map(({ name, dims }): SparseTensor => ({ name, dtype: 'f32', dims }))
  return {
    tensors: [
      ...weights,
      { name: 'quantize.embedding', dtype: 'f32', dims: [CODES, BITS] },
      { name: 'quantize.power_vals', dtype: 'i64', dims: [BITS] },
    ],
    plants,
  }
}

function bookPlaces(): number[] {
  return Array.from({ length: CODES * BITS }, (_, at) => at)
}

/** Row `i` holds the bits of `i`, the most significant first. */
function bookSign(at: number): number {
  return (Math.floor(at / BITS) >> (BITS - 1 - (at % BITS))) & 1 ? 1 : -1
}

/** Two for each weight and cell that a convolution gives, and the attention in the middle. */
export function encoderOperations(tensors: readonly SparseTensor[]): number {
  const convolutions = tensors.filter(({ name, dims }) => name.startsWith('encoder.') && dims.length === 4)
  const cells = (name: string) => {
    const [, level, part] = /^encoder\.down\.(\d)\.(\w+)/.exec(name) ?? []
    const halvings =
      name === PATH[0] ? 0 : level === undefined ? 4 : Number(level) + (part === 'downsample' ? 1 : 0)
    return (RESOLUTION / 2 ** halvings) ** 2
  }
  const products = convolutions.reduce((sum, { name, dims }) => sum + 2 * sizeOf(dims) * cells(name), 0)
  const width = convolutions.find(({ name }) => name === 'encoder.mid.attn_1.q.weight')!.dims[0]!
  return products + 4 * (RESOLUTION / 16) ** 4 * width
}
