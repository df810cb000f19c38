/**
 * @file Qwen2-VL-2B: a tower for pictures of any size, a causal decoder with a tied head.
 * @see specs/ar-vlms.md §3
 */

import { HUGGING_FACE_PLACES } from '../../src/models/families/decoders/llada.ts'
import type { PreparedItem } from '../../src/models/families/family.ts'
import { decoderOperations, type PlantedDecoder, plantDecoder } from './decoder.ts'
import { carrierOf, divided, fewer, type Layout, type Size, tensorsOf, visionLanguage } from './layout.ts'
import { ONES, type Plant, type Strength } from './plants.ts'
import {
  normed,
  type PlantedTower,
  plainGelu,
  plantTower,
  quickGelu,
  towerByHand,
  towerOperations,
} from './tower.ts'
import { madeUpTokenizer } from './vocabulary.ts'

const EMBEDDINGS = `${HUGGING_FACE_PLACES.embeddings}.weight`
const PIXEL = 'visual.patch_embed.proj.weight'
const MERGER = {
  norm: 'visual.merger.ln_q.weight',
  first: 'visual.merger.mlp.0.weight',
  second: 'visual.merger.mlp.2.weight',
}
/** Values of a patch, and patches of a token. */
const VALUES = 3 * 2 * 14 ** 2
const MERGED = 4
const NEURON = 7
/** Red of a white pixel: CLIP's mean and standard deviation. */
const MEAN = [0.48145466, 0.4578275, 0.40821073]
const STD = [0.26862954, 0.26130258, 0.27577711]
const WHITE = (1 - MEAN[0]!) / STD[0]!

const ADDED = {
  '<|endoftext|>': 151_643,
  '<|im_start|>': 151_644,
  '<|im_end|>': 151_645,
  '<|object_ref_start|>': 151_646,
  '<|object_ref_end|>': 151_647,
  '<|box_start|>': 151_648,
  '<|box_end|>': 151_649,
  '<|quad_start|>': 151_650,
  '<|quad_end|>': 151_651,
  '<|vision_start|>': 151_652,
  '<|vision_end|>': 151_653,
  '<|vision_pad|>': 151_654,
  '<|image_pad|>': 151_655,
  '<|video_pad|>': 151_656,
}

const TEMPLATE =
  "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}" +
  "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}" +
  '{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

function towerOf(size: Size): PlantedTower & { heads: number } {
  const heads = divided(16, size)
  const hidden = heads * 80
  return {
    tensors(layer) {
      const at = (module: string) => `visual.blocks.${layer}.${module}.weight`
      const [attentionNorm, feedForwardNorm] = [at('norm1'), at('norm2')]
      return {
        attentionNorm,
        value: at('attn.qkv'),
        output: at('attn.proj'),
        feedForwardNorm,
        first: at('mlp.fc1'),
        second: at('mlp.fc2'),
      }
    },
    heads,
    hidden,
    inner: 4 * hidden,
    layers: fewer(32, size),
    valueRow: 2 * hidden,
    activation: quickGelu,
  }
}

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
  const tower = towerOf(size)
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
    vision_config: {
      depth: tower.layers,
      embed_dim: tower.hidden,
      hidden_size: hidden,
      mlp_ratio: 4,
      num_heads: tower.heads,
      in_chans: 3,
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      temporal_patch_size: 2,
    },
  }
  const model = visionLanguage(config)
  const width = MERGED * tower.hidden
  const channels = Array.from({ length: 1 + 2 * tower.layers }, (_, channel) => channel)
  const merged = Array.from({ length: MERGED }, (_, patch) =>
    channels.map((channel) => NEURON * width + patch * tower.hidden + channel),
  )
  const picture = new Map<string, Plant>([
    [PIXEL, { value: 1, at: [0] }],
    ...plantTower(tower),
    [MERGER.norm, ONES],
    [MERGER.first, { value: 1 / MERGED, at: merged.flat() }],
    [MERGER.second, { value: 1 / 256, at: [NEURON] }],
  ])
  return {
    name: 'qwen2-vl',
    config,
    model,
    files: {
      'tokenizer.json': madeUpTokenizer(151_643, ADDED),
      'tokenizer_config.json': {
        eos_token: '<|im_end|>',
        pad_token: '<|endoftext|>',
        clean_up_tokenization_spaces: false,
        model_max_length: 32_768,
        tokenizer_class: 'Qwen2Tokenizer',
        chat_template: TEMPLATE,
      },
      'preprocessor_config.json': {
        image_processor_type: 'Qwen2VLImageProcessor',
        image_mean: MEAN,
        image_std: STD,
        min_pixels: 3136,
        max_pixels: 12_845_056,
        patch_size: 14,
        temporal_patch_size: 2,
        merge_size: 2,
      },
    },
    tensors: tensorsOf(model, ['visual.', EMBEDDINGS, 'model.layers.', 'model.norm.']),
    plants: new Map([...picture, ...plantDecoder(decoder)]),
    // As transformers writes it: one file, whose end lies past 4 GiB. The published one is cut at 4
    // GB.
    shardBytes: 5e9,
    decoder,
    rows: ({ inputIds, imageIndex }) => inputIds.filter((_, at) => imageIndex[at]! < 0),
    carriers: (item, strength) => carriers(item, strength, tower),
    operations: ({ inputIds, views }) =>
      decoderOperations(decoder, inputIds.length) +
      towerOperations(tower, MERGED * views.length, 1) +
      2 * views.length * (MERGED * VALUES * tower.hidden + width ** 2 + width * hidden),
  }
}

/** The token of a white picture: four equal patches, normed and joined. */
function carriers({ inputIds, imageIndex }: PreparedItem, strength: Strength, tower: PlantedTower): number[] {
  const channels = towerByHand(tower, WHITE * strength(PIXEL), strength)
  const sum = normed(channels, tower.hidden).reduce((total, x) => total + x * strength(MERGER.norm), 0)
  const token = plainGelu(MERGED * sum * strength(MERGER.first)) * strength(MERGER.second)
  return inputIds.map((id, at) => (imageIndex[at]! < 0 ? carrierOf(id) * strength(EMBEDDINGS) : token))
}
