/**
 * @file DiffusionVL-Qwen2.5VL-3B: Qwen2.5-VL's tower, a decoder that looks within blocks and back.
 * @see specs/diffusion-vlms.md, DiffusionVL
 */

import { HUGGING_FACE_PLACES } from '../../src/models/families/decoders/llada.ts'
import { diffusionVl3b } from '../../test/configs/published.ts'
import { decoderOperations, type PlantedDecoder, plantDecoder } from './decoder.ts'
import { carrierOf, divided, fewer, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import {
  plantQwenTower,
  QWEN25_TOKENS,
  qwen25Tower,
  qwen25TowerConfig,
  qwenFiles,
  qwenTokenByHand,
  qwenTowerOperations,
} from './qwen.ts'

const EMBEDDINGS = `${HUGGING_FACE_PLACES.embeddings}.weight`
const TOWER = 'model.vision_tower.vision_tower'
const MERGER = 'model.mm_projector.merger'

export function diffusionVlLayout(size: Size): Layout {
  const heads = divided(16, size)
  const decoder: PlantedDecoder = {
    places: HUGGING_FACE_PLACES,
    hidden: heads * 128,
    inner: 11_008 / size.scale,
    heads,
    keyValueHeads: divided(2, size),
    headDim: 128,
    layers: fewer(36, size),
    epsilon: 1e-6,
    causal: false,
    block: diffusionVl3b.bd3lm_block_size,
  }
  const { hidden } = decoder
  const tower = qwen25Tower(size, TOWER, MERGER)
  const config = {
    ...diffusionVl3b,
    hidden_size: hidden,
    intermediate_size: decoder.inner,
    num_hidden_layers: decoder.layers,
    num_attention_heads: heads,
    num_key_value_heads: decoder.keyValueHeads,
    vision_config: qwen25TowerConfig(tower, hidden),
  }
  const model = visionLanguage(config)
  const { min_pixels, max_pixels } = diffusionVl3b
  return {
    name: 'diffusionvl',
    config,
    model,
    files: qwenFiles({
      processor: 'Qwen2VLImageProcessor',
      added: QWEN25_TOKENS,
      limits: { min_pixels, max_pixels },
    }),
    tensors: tensorsOf(model, [EMBEDDINGS, 'model.layers.', 'model.norm.', TOWER, MERGER]),
    plants: new Map([...plantQwenTower(tower, 1 / 256), ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    decoder,
    rows: ({ inputIds, imageIndex }) => inputIds.filter((_, at) => imageIndex[at]! < 0),
    carriers({ inputIds, imageIndex }, strength) {
      const token = qwenTokenByHand(tower, strength)
      return inputIds.map((id, at) => (imageIndex[at]! < 0 ? carrierOf(id) * strength(EMBEDDINGS) : token))
    },
    operations: (item) =>
      decoderOperations(decoder, item.inputIds.length) + qwenTowerOperations(tower, item, hidden),
  }
}
