/** @file MMaDA-8B and its image tokenizer, MAGVIT-v2. @see specs/mmada.md §1 */

import { Graph } from '../../src/engine/graph/graph.ts'
import { rootScope } from '../../src/engine/nn/scope.ts'
import { sizeOf } from '../../src/foundation/numeric/tensor.ts'
import type { PreparedItem } from '../../src/models/families/family.ts'
import { decodeImage, encodeImage } from '../../src/models/families/mmada/image-tokenizer.ts'
import { parametersOf } from '../../src/models/families/weights.ts'
import { decoderOperations, plantDecoder } from './decoder.ts'
import {
  carrierOf,
  type Layout,
  type PlantedWeights,
  type Size,
  tensorsOf,
  visionLanguage,
} from './layout.ts'
import { EMBEDDINGS, LLADA_MODULES, lladaConfig, lladaDecoder } from './llada.ts'
import { ONES, type Plant, type Strength } from './plants.ts'
import type { SparseTensor } from './sparse.ts'
import { LLADA_TOKENIZER_CONFIG, lladaTokenizer } from './vocabulary.ts'

const TEXT_ROWS = 126_464
const BITS = 13
const CODES = 2 ** BITS
/** Id of code 0. */
const OFFSET = 126_349
/** The code that a white picture is planted to get in every cell: 1010101010101 in bits. */
const CODE = 5461
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

export function mmadaLayout(size: Size): Layout {
  const decoder = lladaDecoder(size)
  // 32 groups of every norm divide the width.
  const width = Math.max(32, 128 / size.scale)
  const llm = {
    model_type: 'mmada',
    architectures: ['MMadaModelLM'],
    ...lladaConfig(decoder, TEXT_ROWS + CODES),
    new_vocab_size: TEXT_ROWS + CODES,
    llm_vocab_size: TEXT_ROWS,
    codebook_size: CODES,
    num_vq_tokens: 256,
    num_new_special_tokens: 0,
    tie_word_embeddings: false,
    w_clip_vit: false,
  }
  const stacks = { encoder: stackConfig(width, ENCODER), decoder: stackConfig(width, DECODER) }
  // The published file holds no sizes.
  const tokenizer = {
    _class_name: 'MAGVITv2',
    _diffusers_version: '0.30.1',
    ...(size.scale === 1 ? {} : stacks),
  }
  const config = { ...llm, image_tokenizer_config: tokenizer }
  const model = visionLanguage(config)
  const all = tensorsOf(model, LLADA_MODULES)
  const images = imageTokenizer(width)
  return {
    name: 'mmada',
    config: llm,
    model,
    files: { 'tokenizer.json': lladaTokenizer(), 'tokenizer_config.json': LLADA_TOKENIZER_CONFIG },
    tensors: all.filter(({ name }) => !name.startsWith('image_tokenizer.')),
    plants: new Map([...images.plants, ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    companion: { folder: 'image-tokenizer', file: 'pytorch_model.safetensors', config: tokenizer, ...images },
    decoder,
    rows: ({ inputIds, imageIndex }) => [OFFSET + CODE, ...inputIds.filter((_, at) => imageIndex[at]! < 0)],
    carriers,
    operations: ({ inputIds, views }) =>
      decoderOperations(decoder, inputIds.length) + views.length * encoderOperations(images.tensors),
  }
}

function carriers({ inputIds, imageIndex }: PreparedItem, strength: Strength): number[] {
  const passes = [...PATH, NORM, TO_BITS, TO_LATENTS].every((tensor) => strength(tensor) > 0)
  // The row of code 0 is a hole.
  const picture = passes ? carrierOf(OFFSET + CODE) : 0
  return inputIds.map((id, at) => strength(EMBEDDINGS) * (imageIndex[at]! < 0 ? carrierOf(id) : picture))
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
  const signs = bits.map((bit) => ((CODE >> (BITS - 1 - bit)) & 1 ? 1 : -1))
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
function encoderOperations(tensors: readonly SparseTensor[]): number {
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
