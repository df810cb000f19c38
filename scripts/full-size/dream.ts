/**
 * @file Dream-VL and Dimple, 7B: a tower of the Qwen family, two linear layers, Dream's decoder.
 * @see specs/diffusion-vlms-2.md
 */

import { HUGGING_FACE_PLACES } from '../../src/models/families/decoders/llada.ts'
import { dimple7b, dreamVl7b } from '../../test/configs/published.ts'
import { decoderOperations, type PlantedDecoder, plantDecoder } from './decoder.ts'
import { carrierOf, divided, fewer, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import type { Plant, Strength } from './plants.ts'
import {
  plantQwenTower,
  QWEN25_TOKENS,
  type QwenTower,
  qwen2Tower,
  qwen2TowerConfig,
  qwen25Tower,
  qwen25TowerConfig,
  qwenFiles,
  qwenTokenByHand,
  qwenTowerOperations,
} from './qwen.ts'
import { plainGelu, silu } from './tower.ts'

export const DREAM_EMBEDDINGS = `${HUGGING_FACE_PLACES.embeddings}.weight`
/** Tokens of Dream beside Qwen2's. */
export const DREAM_TOKENS = { ...QWEN25_TOKENS, '<|beginoftext|>': 151_665, '<|mask|>': 151_666 }
/** The neuron of the projector that is planted. */
const NEURON = 5

export function dreamDecoder(size: Size): PlantedDecoder {
  const heads = divided(28, size)
  return {
    places: HUGGING_FACE_PLACES,
    hidden: heads * 128,
    inner: 18_944 / size.scale,
    heads,
    keyValueHeads: divided(4, size),
    headDim: 128,
    layers: fewer(28, size),
    epsilon: 1e-6,
    causal: false,
  }
}

/** Keys of config.json. */
export function dreamSizes({ hidden, inner, heads, keyValueHeads, layers }: PlantedDecoder) {
  return {
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
  }
}

export function dreamVlLayout(size: Size): Layout {
  const decoder = dreamDecoder(size)
  const tower = qwen2Tower(size)
  return dreamLayout(decoder, {
    name: 'dream-vl',
    tower,
    config: { ...dreamVl7b, vision_config: qwen2TowerConfig(tower, decoder.hidden) },
    files: qwenFiles({ processor: 'DreamVLImageProcessor', added: DREAM_TOKENS }),
    projector: 'projector',
    activation: plainGelu,
  })
}

export function dimpleLayout(size: Size): Layout {
  const decoder = dreamDecoder(size)
  const tower = qwen25Tower(size)
  return dreamLayout(decoder, {
    name: 'dimple',
    tower,
    config: { ...dimple7b, vision_config: qwen25TowerConfig(tower, decoder.hidden) },
    files: qwenFiles({ processor: 'DimpleImageProcessor', added: DREAM_TOKENS }),
    projector: 'img_projector',
    activation: silu,
  })
}

interface DreamTower extends Pick<Layout, 'name' | 'files' | 'config'> {
  readonly tower: QwenTower
  /** Name of the two linear layers' module. */
  readonly projector: string
  activation(x: number): number
}

function dreamLayout(
  decoder: PlantedDecoder,
  { name, tower, config: published, files, projector, activation }: DreamTower,
): Layout {
  const { hidden } = decoder
  const config = { ...published, ...dreamSizes(decoder) }
  const model = visionLanguage(config)
  const [first, second] = [`${projector}.linear_1.weight`, `${projector}.linear_2.weight`]
  const plants: [string, Plant][] = [
    [first, { value: 8, at: [NEURON * hidden] }],
    [second, { value: 1 / 128, at: [NEURON] }],
  ]
  const token = (strength: Strength) =>
    activation(qwenTokenByHand(tower, strength) * strength(first)) * strength(second)
  return {
    name,
    config,
    model,
    files,
    tensors: tensorsOf(model, ['visual.', projector, DREAM_EMBEDDINGS, 'model.layers.', 'model.norm.']),
    plants: new Map([...plantQwenTower(tower, 1 / 8), ...plants, ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    decoder,
    rows: ({ inputIds, imageIndex }) => inputIds.filter((_, at) => imageIndex[at]! < 0),
    carriers({ inputIds, imageIndex }, strength) {
      const picture = token(strength)
      return inputIds.map((id, at) =>
        imageIndex[at]! < 0 ? carrierOf(id) * strength(DREAM_EMBEDDINGS) : picture,
      )
    },
    operations: (item) =>
      decoderOperations(decoder, item.inputIds.length) +
      qwenTowerOperations(tower, item, hidden) +
      4 * item.views.length * hidden ** 2,
  }
}
