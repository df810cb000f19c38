/**
 * @file The parts that layouts of the Qwen family share: towers for pictures of any size, the
 * merger of their patches, tokens and template.
 * @see specs/ar-vlms.md §3, §4
 */

import type { PreparedItem } from '../../src/models/families/family.ts'
import { divided, fewer, type Size } from './layout.ts'
import { ONES, type Plant, type Strength } from './plants.ts'
import {
  normed,
  type PlantedTower,
  plainGelu,
  plantTower,
  quickGelu,
  silu,
  towerByHand,
  towerOperations,
} from './tower.ts'
import { madeUpTokenizer } from './vocabulary.ts'

/** Values of a patch, and patches of a token. */
const VALUES = 3 * 2 * 14 ** 2
const MERGED = 4
const NEURON = 7
const MEAN = [0.48145466, 0.4578275, 0.40821073]
const STD = [0.26862954, 0.26130258, 0.27577711]
/** Red of a white pixel: CLIP's mean and standard deviation. */
const WHITE = (1 - MEAN[0]!) / STD[0]!
/** Plain tokens of the vocabulary. */
const PLAIN = 151_643

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

/** Tokens of Qwen2.5 behind those of Qwen2-VL. A gap would give later tokens other ids. */
export const QWEN25_TOKENS = {
  '<tool_call>': 151_657,
  '</tool_call>': 151_658,
  '<|fim_prefix|>': 151_659,
  '<|fim_middle|>': 151_660,
  '<|fim_suffix|>': 151_661,
  '<|fim_pad|>': 151_662,
  '<|repo_name|>': 151_663,
  '<|file_sep|>': 151_664,
}

const TEMPLATE =
  "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}" +
  "<|im_start|>{{ message['role'] }}\n{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for content in message['content'] %}" +
  "{% if content['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}" +
  '{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'

export interface QwenTower extends PlantedTower {
  readonly heads: number
  /** Name of the first projection. */
  readonly pixel: string
  readonly merger: { readonly norm: string; readonly first: string; readonly second: string }
}

/** @param at beginning of the tower's names @param merger of the merger's */
export function qwen2Tower(size: Size, at = 'visual', merger = `${at}.merger`): QwenTower {
  const heads = divided(16, size)
  const hidden = heads * 80
  return {
    ...named(at, merger, { first: 'mlp.fc1', second: 'mlp.fc2' }),
    heads,
    hidden,
    inner: 4 * hidden,
    layers: fewer(32, size),
    valueRow: 2 * hidden,
    activation: quickGelu,
  }
}

/** With windows: gated blocks, norms without a mean. */
export function qwen25Tower(size: Size, at = 'visual', merger = `${at}.merger`): QwenTower {
  const heads = divided(16, size)
  const hidden = heads * 80
  return {
    ...named(at, merger, { first: 'mlp.gate_proj', up: 'mlp.up_proj', second: 'mlp.down_proj' }),
    heads,
    hidden,
    inner: Math.floor(3420 / size.scale),
    layers: fewer(32, size),
    valueRow: 2 * hidden,
    activation: silu,
    norm: 'rms',
  }
}

function named(
  at: string,
  merger: string,
  feedForward: { readonly first: string; readonly second: string; readonly up?: string },
): Pick<QwenTower, 'tensors' | 'pixel' | 'merger'> {
  return {
    tensors(layer) {
      const name = (module: string) => `${at}.blocks.${layer}.${module}.weight`
      const { first, second, up } = feedForward
      return {
        attentionNorm: name('norm1'),
        value: name('attn.qkv'),
        output: name('attn.proj'),
        feedForwardNorm: name('norm2'),
        first: name(first),
        second: name(second),
        ...(up === undefined ? {} : { up: name(up) }),
      }
    },
    pixel: `${at}.patch_embed.proj.weight`,
    merger: {
      norm: `${merger}.ln_q.weight`,
      first: `${merger}.mlp.0.weight`,
      second: `${merger}.mlp.2.weight`,
    },
  }
}

/** vision_config of a file. @param output width of a token */
export function qwen2TowerConfig({ layers, hidden, heads }: QwenTower, output: number) {
  return {
    depth: layers,
    embed_dim: hidden,
    hidden_size: output,
    mlp_ratio: 4,
    num_heads: heads,
    in_chans: 3,
    patch_size: 14,
    spatial_merge_size: 2,
    spatial_patch_size: 14,
    temporal_patch_size: 2,
  }
}

/** @param output width of a token */
export function qwen25TowerConfig({ layers, hidden, inner, heads }: QwenTower, output: number) {
  return {
    depth: layers,
    hidden_act: 'silu',
    hidden_size: hidden,
    intermediate_size: inner,
    num_heads: heads,
    in_chans: 3,
    out_hidden_size: output,
    patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    window_size: 112,
    fullatt_block_indexes: [7, 15, 23, 31],
    tokens_per_second: 2,
  }
}

/** @param share of the merger's neuron that becomes channel 0 of a token */
export function plantQwenTower(tower: QwenTower, share: number): [string, Plant][] {
  const width = MERGED * tower.hidden
  const channels = Array.from({ length: 1 + 2 * tower.layers }, (_, channel) => channel)
  const merged = Array.from({ length: MERGED }, (_, patch) =>
    channels.map((channel) => NEURON * width + patch * tower.hidden + channel),
  )
  return [
    [tower.pixel, { value: 1, at: [0] }],
    ...plantTower(tower),
    [tower.merger.norm, ONES],
    [tower.merger.first, { value: 1 / MERGED, at: merged.flat() }],
    [tower.merger.second, { value: share, at: [NEURON] }],
  ]
}

/** Channel 0 of the token of a white picture: four equal patches, normed and joined. */
export function qwenTokenByHand(tower: QwenTower, strength: Strength): number {
  const { pixel, merger } = tower
  const channels = towerByHand(tower, WHITE * strength(pixel), strength)
  const sum = normed(channels, tower).reduce((total, x) => total + x * strength(merger.norm), 0)
  return plainGelu(MERGED * sum * strength(merger.first)) * strength(merger.second)
}

/** Floating-point operations of the item's pictures. @param output width of a token */
export function qwenTowerOperations(
  tower: QwenTower,
  { views }: Pick<PreparedItem, 'views'>,
  output: number,
): number {
  const width = MERGED * tower.hidden
  return (
    towerOperations(tower, MERGED * views.length, 1) +
    2 * views.length * (MERGED * VALUES * tower.hidden + width ** 2 + width * output)
  )
}

/**
 * Tokenizer and picture processor.
 * @param added token → id, beside Qwen2-VL's
 */
export function qwenFiles({
  processor,
  added = {},
  limits = { min_pixels: 3136, max_pixels: 12_845_056 },
  template = TEMPLATE,
}: {
  processor: string
  added?: Readonly<Record<string, number>>
  limits?: { readonly min_pixels: number; readonly max_pixels: number }
  template?: string
}): Record<string, object> {
  return {
    'tokenizer.json': madeUpTokenizer(PLAIN, { ...ADDED, ...added }),
    'tokenizer_config.json': {
      eos_token: '<|im_end|>',
      pad_token: '<|endoftext|>',
      clean_up_tokenization_spaces: false,
      model_max_length: 32_768,
      tokenizer_class: 'Qwen2Tokenizer',
      chat_template: template,
    },
    'preprocessor_config.json': {
      image_processor_type: processor,
      image_mean: MEAN,
      image_std: STD,
      ...limits,
      patch_size: 14,
      temporal_patch_size: 2,
      merge_size: 2,
    },
  }
}
