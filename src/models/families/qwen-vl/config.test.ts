import { describe, expect, test } from 'vitest'
import {
  qwen2vl2b,
  qwen2vl7b,
  qwen3vl4b,
  qwen25vl3b,
  qwen25vl7b,
} from '../../../../test/configs/published.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { parseQwenVlConfig } from './config.ts'
import { qwenVlSpellings } from './weights.ts'

describe('published configs give published sizes', () => {
  test.each<[name: string, json: Record<string, unknown>, size: number]>([
    ['Qwen2-VL-2B', qwen2vl2b, 2_208_985_600],
    ['Qwen2-VL-7B', qwen2vl7b, 8_291_375_616],
    ['Qwen2.5-VL-3B', qwen25vl3b, 3_754_622_976],
    ['Qwen2.5-VL-7B', qwen25vl7b, 8_292_166_656],
    ['Qwen3-VL-4B', qwen3vl4b, 4_437_815_808],
  ])('%s', (_, json, size) => {
    expect(modelParameters(modelOf(json)).reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(size)
  })

  test.each<[name: string, tensor: string, dims: number[], json: Record<string, unknown>]>([
    ['Qwen2-VL-2B', 'visual.patch_embed.proj.weight', [1280, 3, 2, 14, 14], qwen2vl2b],
    ['Qwen2-VL-2B', 'visual.blocks.31.attn.qkv.weight', [3840, 1280], qwen2vl2b],
    ['Qwen2-VL-2B', 'visual.merger.mlp.2.weight', [1536, 5120], qwen2vl2b],
    ['Qwen2-VL-2B', 'language_model.layers.27.self_attn.k_proj.bias', [256], qwen2vl2b],
    ['Qwen2-VL-7B', 'lm_head.weight', [152_064, 3584], qwen2vl7b],
    ['Qwen2.5-VL-3B', 'visual.blocks.0.mlp.down_proj.bias', [1280], qwen25vl3b],
    ['Qwen2.5-VL-3B', 'visual.merger.ln_q.weight', [1280], qwen25vl3b],
    ['Qwen3-VL-4B', 'visual.pos_embed.weight', [2304, 1024], qwen3vl4b],
    ['Qwen3-VL-4B', 'visual.deepstack_merger_list.2.norm.bias', [4096], qwen3vl4b],
    ['Qwen3-VL-4B', 'language_model.layers.0.self_attn.q_proj.weight', [4096, 2560], qwen3vl4b],
    ['Qwen3-VL-4B', 'language_model.layers.35.self_attn.q_norm.weight', [128], qwen3vl4b],
  ])('%s: %s', (_, tensor, dims, json) => {
    expect(modelParameters(modelOf(json)).find(({ name }) => name === tensor)?.dims).toEqual(dims)
  })
})

describe('spellings', () => {
  const { model_type: _, vision_config, image_token_id, vision_start_token_id, ...text } = qwen2vl2b
  const nested = {
    model_type: 'qwen2_vl',
    vision_config,
    image_token_id,
    vision_start_token_id,
    text_config: text,
  }

  test('text settings nested or flat, the rotation old, rewritten or new', () => {
    const flat = parseQwenVlConfig(qwen2vl2b, 'qwen2-vl')
    const { rope_theta, rope_scaling, ...rest } = text
    expect(parseQwenVlConfig(nested, 'qwen2-vl')).toEqual(flat)
    const rewritten = {
      ...text,
      rope_scaling: { type: 'default', rope_type: 'default', mrope_section: [16, 24, 24] },
    }
    expect(parseQwenVlConfig({ ...nested, text_config: rewritten }, 'qwen2-vl')).toEqual(flat)
    const newest = {
      ...rest,
      rope_parameters: { rope_type: 'default', rope_theta, mrope_section: rope_scaling.mrope_section },
    }
    expect(parseQwenVlConfig({ ...nested, text_config: newest }, 'qwen2-vl')).toEqual(flat)
  })

  test('class defaults where keys are left out', () => {
    const { text: decoder, vision } = parseQwenVlConfig(
      {
        rope_scaling: { mrope_section: [16, 24, 24] },
        hidden_size: 3584,
        num_attention_heads: 28,
        num_key_value_heads: 4,
      },
      'qwen2.5-vl',
    )
    expect(decoder).toMatchObject({
      inner: 29_568,
      layers: 80,
      epsilon: 1e-5,
      ropeTheta: 1e6,
      maxPositions: 32_768,
      queryKeyValueBias: true,
    })
    expect(vision).toMatchObject({
      hidden: 3584,
      inner: 3420,
      layers: 32,
      heads: 16,
      window: { cells: 4, fullLayers: [7, 15, 23, 31] },
    })
  })

  test.each<[name: string, stored: string[]]>([
    [
      'language_model.layers.0.mlp.up_proj.weight',
      ['model.layers.0.mlp.up_proj.weight', 'model.language_model.layers.0.mlp.up_proj.weight'],
    ],
    ['visual.merger.ln_q.weight', ['visual.merger.ln_q.weight', 'model.visual.merger.ln_q.weight']],
    ['lm_head.weight', ['lm_head.weight']],
  ])('%s', (name, stored) => expect(qwenVlSpellings(name)).toEqual(stored))
})

describe('refused', () => {
  test.each<[what: string, json: Record<string, unknown>, message: RegExp]>([
    ['no sections', { ...qwen2vl2b, rope_scaling: null }, /mrope_section/],
    [
      'sections that do not fill a head',
      { ...qwen2vl2b, rope_scaling: { type: 'mrope', mrope_section: [16, 24, 20] } },
      /must add up to 64/,
    ],
    [
      'an unknown scaled rotation',
      { ...qwen2vl2b, rope_scaling: { type: 'ntk', factor: 4, mrope_section: [16, 24, 24] } },
      /rope_scaling\.type/,
    ],
    [
      'a tower of another width',
      { ...qwen2vl2b, vision_config: { ...qwen2vl2b.vision_config, hidden_size: 1024 } },
      /hidden_size, 1536/,
    ],
    ['a sliding window', { ...qwen2vl2b, use_sliding_window: true }, /use_sliding_window/],
    [
      'deepstack beyond the tower',
      { ...qwen3vl4b, vision_config: { ...qwen3vl4b.vision_config, depth: 12 } },
      /deepstack_visual_indexes/,
    ],
    [
      'a table that is no square',
      { ...qwen3vl4b, vision_config: { ...qwen3vl4b.vision_config, num_position_embeddings: 2300 } },
      /square/,
    ],
  ])('%s', (_, json, message) => {
    expect(() => modelOf(json)).toThrowError(
      expect.objectContaining({ code: 'family/config', message: expect.stringMatching(message) }),
    )
  })
})
