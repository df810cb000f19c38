/**
 * @file Qwen2-VL-2B: a tower for pictures of any size, a causal decoder with a tied head.
 * @see specs/ar-vlms.md §3
 */

import { HUGGING_FACE_PLACES } from '../../src/models/families/decoders/llada.ts'
import { decoderOperations, type PlantedDecoder, plantDecoder } from './decoder.ts'
import { carrierOf, divided, fewer, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import {
  plantQwenTower,
  qwen2Tower,
  qwen2TowerConfig,
  qwenFiles,
  qwenTokenByHand,
  qwenTowerOperations,
} from './qwen.ts'

const EMBEDDINGS = `${HUGGING_FACE_PLACES.embeddings}.weight`

function decoderOf(size: Size): PlantedDecoder {
  const heads = divided(12, size)
  return {
    places: HUGGING_FACE_PLACES,
    hidden: heads * 128,
    inner: 8960 / size.scale,
    heads,
    keyValueHeads: divided(2, size),
    headDim: 128,
    layers: fewer(28, size),
    epsilon: 1e-6,
    causal: true,
  }
}

export function qwen2VlLayout(size: Size): Layout {
  const decoder = decoderOf(size)
  const tower = qwen2Tower(size)
  const { hidden } = decoder
  const config = {
    model_type: 'qwen2_vl',
    architectures: ['Qwen2VLForConditionalGeneration'],
    hidden_size: hidden,
    intermediate_size: decoder.inner,
    num_hidden_layers: decoder.layers,
    num_attention_heads: decoder.heads,
    num_key_value_heads: decoder.keyValueHeads,
    hidden_act: 'silu',
    max_position_embeddings: 32_768,
    rms_norm_eps: decoder.epsilon,
    rope_theta: 1_000_000,
    rope_scaling: { type: 'mrope', mrope_section: [16, 24, 24] },
    use_sliding_window: false,
    tie_word_embeddings: true,
    vocab_size: 151_936,
    bos_token_id: 151_643,
    eos_token_id: 151_645,
    vision_start_token_id: 151_652,
    vision_end_token_id: 151_653,
    vision_token_id: 151_654,
    image_token_id: 151_655,
    video_token_id: 151_656,
    torch_dtype: 'bfloat16',
    vision_config: qwen2TowerConfig(tower, hidden),
  }
  const model = visionLanguage(config)
  return {
    name: 'qwen2-vl',
    config,
    model,
    files: qwenFiles({ processor: 'Qwen2VLImageProcessor' }),
    tensors: tensorsOf(model, ['visual.', EMBEDDINGS, 'model.layers.', 'model.norm.']),
    plants: new Map([...plantQwenTower(tower, 1 / 256), ...plantDecoder(decoder)]),
    // As transformers writes it: one file, whose end lies past 4 GiB. The published one is cut at 4
    // GB.
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
