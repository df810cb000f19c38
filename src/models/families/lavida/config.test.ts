import { describe, expect, test } from 'vitest'
import { dreamConfig, lladaConfig } from '../../../../test/configs/lavida.ts'
import { isLavida, parseLavidaConfig, tokenSide } from './config.ts'

describe('config.json of LaViDa', () => {
  test('published sizes of both backbones', () => {
    const llada = parseLavidaConfig(lladaConfig)
    expect(llada.decoder).toMatchObject({
      hidden: 4096,
      layers: 32,
      headDim: 128,
      queryKeyValueBias: false,
      epsilon: 1e-5,
      ropeTheta: 5e5,
    })
    expect([llada.vision.layers, llada.vision.image, tokenSide(llada), llada.fillId]).toEqual([
      26, 384, 14, 126085,
    ])
    const dream = parseLavidaConfig(dreamConfig)
    expect(dream.decoder).toMatchObject({
      hidden: 3584,
      keyValueHeads: 4,
      headDim: 128,
      queryKeyValueBias: true,
      vocabulary: 152064,
    })
  })

  test('one error lists all missing keys', () => {
    const { n_heads, rope_theta, mm_patch_merge_type, ...rest } = lladaConfig
    expect(() => parseLavidaConfig(rest)).toThrow(/n_heads.*rope_theta.*mm_patch_merge_type/)
  })

  test.each([
    [
      'a block with another norm',
      { layer_norm_type: 'low_precision' },
      /layer_norm_type.*got "low_precision"/,
    ],
    ['an unknown tower without sizes', { mm_vision_tower: 'some/tower' }, /vision_config/],
    ['any resolution without grids', { image_grid_pinpoints: null }, /image_grid_pinpoints/],
    ['heads that do not divide the width', { n_heads: 33, n_kv_heads: 33 }, /33 heads/],
  ])('refuses %s', (_, change, message) => {
    expect(() => parseLavidaConfig({ ...lladaConfig, ...change })).toThrow(message)
  })

  test('LLaDA-V, of the same model_type, is another family', () => {
    expect(isLavida(lladaConfig)).toBe(true)
    expect(isLavida(dreamConfig)).toBe(true)
    expect(isLavida({ model_type: 'llava_llada', hidden_size: 4096 })).toBe(false)
    expect(isLavida({ model_type: 'llava' })).toBe(false)
  })

  test('a config without a width is still known, and told what it lacks', () => {
    const { d_model, ...rest } = lladaConfig
    expect(isLavida(rest)).toBe(true)
    expect(() => parseLavidaConfig(rest)).toThrow(/d_model/)
  })

  test('pooling off gives every patch a token', () => {
    expect(tokenSide(parseLavidaConfig({ ...lladaConfig, mm_spatial_pool_mode: 'none' }))).toBe(27)
  })
})
