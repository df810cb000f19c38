import { describe, expect, test } from 'vitest'
import { onevisionHalf as half } from '../../../../test/configs/published.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { parseLlavaOnevisionConfig } from './config.ts'

const sizes = (json: Readonly<Record<string, unknown>>) =>
  new Map(modelParameters(modelOf(json)).map(({ name, dims }) => [name, dims.join()]))

describe('the published config (specs/ar-vlms.md §2.1, §2.2)', () => {
  test.each([
    ['language_model.embed_tokens.weight', '152000,896'],
    ['language_model.layers.23.self_attn.k_proj.bias', '128'],
    ['language_model.layers.0.self_attn.q_proj.bias', '896'],
    ['language_model.layers.0.self_attn.o_proj.bias', undefined],
    ['vision_tower.vision_model.embeddings.patch_embedding.bias', '1152'],
    ['vision_tower.vision_model.embeddings.position_embedding.weight', '729,1152'],
    ['vision_tower.vision_model.encoder.layers.25.mlp.fc1.weight', '4304,1152'],
    ['vision_tower.vision_model.encoder.layers.26.mlp.fc1.weight', undefined],
    ['vision_tower.vision_model.post_layernorm.weight', undefined],
    ['multi_modal_projector.linear_1.weight', '896,1152'],
    ['image_newline', '896'],
    ['lm_head.weight', undefined],
  ])('%s is [%s]', (name, dims) => {
    expect(sizes(half).get(name)).toBe(dims)
  })

  test('defaults of its own class', () => {
    const config = parseLlavaOnevisionConfig({ model_type: 'llava_onevision' })
    expect(config).toMatchObject({
      tower: 'siglip',
      dropFirst: false,
      featureLayers: [26],
      imageTokenId: 151_646,
      maxTiles: 9,
    })
    expect(config.text.queryKeyValueBias).toBe(true)
    expect(config.grids).toHaveLength(36)
    // Written (height, width), height outer.
    expect(config.grids[1]).toEqual({ width: 768, height: 384 })
  })

  test.each([
    [{ vision_aspect_ratio: 'pad' }, /vision_aspect_ratio: must be anyres_max_/],
    [{ vision_feature_select_strategy: 'default' }, /vision_feature_select_strategy.*729 patches/],
  ])('%j is refused', (json, reason) => {
    expect(() => parseLlavaOnevisionConfig({ ...half, ...json })).toThrow(reason)
  })
})
