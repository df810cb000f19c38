/**
 * @file SDAR-VL-4B: SigLIP, tiles as LLaVA-OneVision packs them, a decoder of Qwen3's shape that
 * looks within blocks and back.
 * @see specs/diffusion-vlms.md, SDAR-VL
 */

import { LLAMA_NAMES } from '../../src/models/families/decoders/gated.ts'
import type { PreparedItem } from '../../src/models/families/family.ts'
import { sdarVl4b } from '../../test/configs/published.ts'
import { decoderOperations, type PlantedDecoder, plantDecoder } from './decoder.ts'
import { carrierOf, divided, fewer, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import type { Plant, Strength } from './plants.ts'
import { QWEN25_TOKENS, qwenFiles } from './qwen.ts'
import { siglipConfig, siglipTower } from './siglip.ts'
import { type PlantedTower, plainGelu, plantTower, towerByHand, towerOperations } from './tower.ts'

const TOWER = 'vision_tower.vision_model'
const PIXEL = `${TOWER}.embeddings.patch_embedding.weight`
const PROJECTOR = {
  first: 'multi_modal_projector.linear_1.weight',
  second: 'multi_modal_projector.linear_2.weight',
}
const NEWLINE = 'image_newline'
/** Patches of a view, which are its tokens. */
const PATCHES = 27 ** 2
const NEURON = 7
const PLACES = {
  stack: 'language_model.model',
  embeddings: 'language_model.model.embed_tokens',
  head: 'language_model.lm_head',
  names: LLAMA_NAMES,
}
const EMBEDDINGS = `${PLACES.embeddings}.weight`
const TOKENS = {
  ...QWEN25_TOKENS,
  '<tool_response>': 151_665,
  '</tool_response>': 151_666,
  '<think>': 151_667,
  '</think>': 151_668,
  '<|MASK|>': 151_669,
}
const TEMPLATE =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}{% else %}" +
  "{% for part in message['content'] %}{% if part['type'] == 'image' %}<|image_pad|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}" +
  '\n<|im_end|>\n{% endfor %}<|im_start|>assistant\n'

export function sdarVlLayout(size: Size): Layout {
  const { text_config: text } = sdarVl4b
  const heads = divided(text.num_attention_heads, size)
  const decoder: PlantedDecoder = {
    places: PLACES,
    hidden: text.hidden_size / size.scale,
    inner: text.intermediate_size / size.scale,
    heads,
    keyValueHeads: divided(text.num_key_value_heads, size),
    headDim: text.head_dim,
    layers: fewer(text.num_hidden_layers, size),
    epsilon: text.rms_norm_eps,
    causal: false,
    block: text.block_size,
  }
  // All stored layers run.
  const tower = siglipTower(TOWER, 27, size)
  const config = {
    ...sdarVl4b,
    image_grid_pinpoints: pinpoints(),
    text_config: {
      ...text,
      hidden_size: decoder.hidden,
      intermediate_size: decoder.inner,
      num_hidden_layers: decoder.layers,
      num_attention_heads: heads,
      num_key_value_heads: decoder.keyValueHeads,
    },
    vision_config: { ...siglipConfig(tower, tower.layers), vision_use_head: false },
  }
  const model = visionLanguage(config)
  const picture: [string, Plant][] = [
    [NEWLINE, { value: 1.25, at: [0] }],
    [PIXEL, { value: 1, at: [0] }],
    ...plantTower(tower),
    [
      PROJECTOR.first,
      {
        value: 8,
        at: Array.from({ length: 1 + 2 * tower.layers }, (_, channel) => NEURON * tower.hidden + channel),
      },
    ],
    [PROJECTOR.second, { value: 1 / 128, at: [NEURON] }],
  ]
  return {
    name: 'sdar-vl',
    config,
    model,
    files: {
      ...qwenFiles({ processor: '', added: TOKENS, template: TEMPLATE }),
      'preprocessor_config.json': {
        image_processor_type: 'LlavaOnevisionImageProcessorFast',
        image_grid_pinpoints: pinpoints(),
        image_mean: [0.5, 0.5, 0.5],
        image_std: [0.5, 0.5, 0.5],
        resample: 3,
        size: { height: 384, width: 384 },
      },
    },
    tensors: tensorsOf(model, [NEWLINE, 'vision_tower.', 'multi_modal_projector.', PLACES.stack]),
    plants: new Map([...picture, ...plantDecoder(decoder)]),
    shardBytes: 5e9,
    decoder,
    rows: ({ inputIds, imageIndex }) => inputIds.filter((_, at) => imageIndex[at]! < 0),
    carriers: (item, strength) => carriers(item, strength, tower),
    operations: ({ inputIds, views }) =>
      decoderOperations(decoder, inputIds.length) +
      towerOperations(tower, PATCHES, views.length) +
      2 *
        PATCHES *
        views.length *
        (3 * 14 ** 2 * tower.hidden + tower.hidden * decoder.hidden + decoder.hidden ** 2),
  }
}

/** Heights outside, widths inside. */
function pinpoints(): [number, number][] {
  const sides = [1, 2, 3, 4, 5, 6].map((tiles) => 384 * tiles)
  return sides.flatMap((height) => sides.map((width): [number, number] => [height, width]))
}

/** The token of a white view; the newline is the packed row that reads behind all views. */
function carriers(
  { inputIds, imageIndex, views, visionFeeds }: PreparedItem,
  strength: Strength,
  tower: PlantedTower,
): number[] {
  // White is 1 for the tower.
  const channels = towerByHand(tower, strength(PIXEL), strength)
  const sum = channels.reduce((total, x) => total + x, 0)
  const token = plainGelu(sum * strength(PROJECTOR.first)) * strength(PROJECTOR.second)
  const sources = visionFeeds?.pack_index?.data ?? []
  return inputIds.map((id, at) => {
    const row = imageIndex[at]!
    if (row < 0) return carrierOf(id) * strength(EMBEDDINGS)
    return Number(sources[row]) < views.length * PATCHES ? token : strength(NEWLINE)
  })
}
