import { describe, expect, test } from 'vitest'
import { clipBase, llava7b, siglipBase } from '../../../test/configs/published.ts'
import { sizeOf } from '../../foundation/numeric/tensor.ts'
import type { VisionLanguageModel } from './model.ts'
import { modelParameters } from './parameters.ts'
import { modelOf } from './registry.ts'

const llavaModel = (json: object): VisionLanguageModel => {
  const model = modelOf({ ...llava7b, ...json })
  expect(model.kind).toBe('vision-language')
  return model.kind === 'vision-language' ? model : llavaModel(json)
}

const sizes = (json: object) =>
  new Map(modelParameters(modelOf({ ...llava7b, ...json })).map(({ name, dims }) => [name, dims.join()]))

describe('llava', () => {
  test('the published 7B config gives the published shapes and size', () => {
    const parameters = modelParameters(modelOf(llava7b))
    const total = parameters.reduce((sum, { dims }) => sum + sizeOf(dims), 0)
    // 7,063,427,072 published parameters less those that are never used: tower layer 23 and
    // post_layernorm (specs/ar-vlms.md §1.3).
    const towerLayer = 4 * (1024 * 1024 + 1024) + 2 * 1024 * 4096 + 4096 + 1024 + 4 * 1024
    expect(total).toBe(7_063_427_072 - towerLayer - 2 * 1024)
    expect(sizes({}).get('vision_tower.vision_model.embeddings.position_embedding.weight')).toBe('577,1024')
    expect(sizes({}).get('language_model.layers.31.self_attn.k_proj.weight')).toBe('4096,4096')
    expect(sizes({}).has('vision_tower.vision_model.encoder.layers.23.mlp.fc1.weight')).toBe(false)
  })

  test.each<[what: string, json: object, name: string, dims: string | undefined]>([
    [
      'the tower of LlavaConfig itself',
      { vision_config: undefined },
      'vision_tower.vision_model.embeddings.patch_embedding.weight',
      '1024,3,14,14',
    ],
    [
      'Mistral: eight key heads',
      { text_config: { model_type: 'mistral' } },
      'language_model.layers.0.self_attn.k_proj.weight',
      '1024,4096',
    ],
    [
      'Qwen2: query biases',
      { text_config: { model_type: 'qwen2' } },
      'language_model.layers.0.self_attn.q_proj.bias',
      '4096',
    ],
    [
      'Qwen2: no output bias',
      { text_config: { model_type: 'qwen2' } },
      'language_model.layers.0.self_attn.o_proj.bias',
      undefined,
    ],
    [
      'Llama: output bias where the config says so',
      { text_config: { attention_bias: true } },
      'language_model.layers.0.self_attn.o_proj.bias',
      '4096',
    ],
    [
      'two feature layers side by side',
      { vision_feature_layer: [-2, -8] },
      'multi_modal_projector.linear_1.weight',
      '4096,2048',
    ],
    [
      'a projector without biases',
      { multimodal_projector_bias: false },
      'multi_modal_projector.linear_1.bias',
      undefined,
    ],
    ['a tied head', { tie_word_embeddings: true }, 'lm_head.weight', undefined],
    [
      'a tied head, said in the text config',
      { text_config: { tie_word_embeddings: true } },
      'lm_head.weight',
      undefined,
    ],
  ])('%s', (_, json, name, dims) => {
    expect(sizes(json).get(name)).toBe(dims)
  })

  test.each([
    ['the window of Mistral bounds the length where it is left out', { model_type: 'mistral' }, 4096],
    [
      'null turns it off',
      { model_type: 'mistral', sliding_window: null, max_position_embeddings: 32768 },
      32768,
    ],
    ['Llama defaults to 2048', { model_type: 'llama' }, 2048],
  ])('%s', (_, text, length) => {
    expect(llavaModel({ text_config: text }).shape.maxLength).toBe(length)
  })

  test.each([
    ['language_model.norm.weight', ['language_model.model.norm.weight', 'model.language_model.norm.weight']],
    ['lm_head.weight', ['language_model.lm_head.weight', 'lm_head.weight']],
    [
      'multi_modal_projector.linear_1.bias',
      ['multi_modal_projector.linear_1.bias', 'model.multi_modal_projector.linear_1.bias'],
    ],
    [
      'vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias',
      [
        'vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias',
        'model.vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias',
        'vision_tower.encoder.layers.0.mlp.fc1.bias',
        'model.vision_tower.encoder.layers.0.mlp.fc1.bias',
      ],
    ],
  ])('%s may be stored as %j', (name, spellings) => {
    expect(llavaModel({}).weightSpellings(name)).toEqual(spellings)
  })
})

describe('a config that makes no model is refused, every reason in one error', () => {
  test.each<[what: string, json: object, reason: RegExp]>([
    ['unknown family', { model_type: 'bert' }, /no family takes model_type "bert"/],
    [
      'two bad keys',
      { projector_hidden_act: 'tanh', vision_feature_select_strategy: 'x' },
      /projector_hidden_act.*vision_feature_select_strategy/,
    ],
    [
      'half of a scaled rotation',
      { text_config: { rope_scaling: { rope_type: 'llama3', factor: 8 } } },
      /rope_scaling.low_freq_factor/,
    ],
    [
      'heads that do not group',
      { text_config: { num_attention_heads: 32, num_key_value_heads: 5 } },
      /multiple of num_key_value_heads/,
    ],
    ['an odd head', { text_config: { hidden_size: 96 } }, /even whole number/],
    ['an unknown tower', { vision_config: { model_type: 'dinov2' } }, /vision_config: model_type/],
    ['a layer that is not there', { vision_feature_layer: -26 }, /vision_feature_layer.*within −25 … 24/],
    [
      'SigLIP towers of two widths',
      { model_type: 'siglip', text_config: { projection_size: 12 }, vision_config: {} },
      /projection_size: must equal/,
    ],
    ['a size of zero', { text_config: { num_hidden_layers: 0 } }, /num_hidden_layers.*got 0/],
    ['layers without end', { text_config: { num_hidden_layers: 200_000 } }, /num_hidden_layers.*got 200000/],
  ])('%s', (_, json, reason) => {
    expect(() => modelOf({ ...llava7b, ...json })).toThrow(reason)
  })
})

test('a refused config is told with its path', () => {
  expect(() => modelOf({ model_type: 'bert' }, 'x/config.json')).toThrow(/^x\/config\.json: no family/)
  const json = { ...llava7b, text_config: { hidden_act: 'tanh' } }
  expect(() => modelOf(json, 'x/config.json')).toThrow(
    /^x\/config\.json: llava text_config: hidden_act: .*, got "tanh"$/,
  )
})

test.each([
  ['siglip-base-patch16-224', siglipBase, 203_155_970],
  ['clip-vit-base-patch32', clipBase, 151_277_313],
])('%s has the published number of parameters', (_, json, count) => {
  expect(modelParameters(modelOf(json)).reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(count)
})
