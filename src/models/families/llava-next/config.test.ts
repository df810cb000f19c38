import { describe, expect, test } from 'vitest'
import { llavaNextLlama3 as llama3, llavaNextMistral as mistral } from '../../../../test/configs/published.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { parseLlavaNextConfig } from './config.ts'

const sizes = (json: Readonly<Record<string, unknown>>) =>
  new Map(modelParameters(modelOf(json)).map(({ name, dims }) => [name, dims.join()]))

describe('published configs (specs/ar-vlms.md §1.1, §1.2)', () => {
  test.each<[string, typeof mistral | typeof llama3, name: string, dims: string]>([
    ['mistral', mistral, 'language_model.layers.31.self_attn.k_proj.weight', '1024,4096'],
    ['mistral', mistral, 'language_model.layers.0.mlp.down_proj.weight', '4096,14336'],
    ['mistral', mistral, 'lm_head.weight', '32064,4096'],
    ['mistral', mistral, 'image_newline', '4096'],
    ['mistral', mistral, 'vision_tower.vision_model.embeddings.position_embedding.weight', '577,1024'],
    ['llama3', llama3, 'language_model.embed_tokens.weight', '128320,4096'],
    ['llama3', llama3, 'language_model.layers.0.self_attn.k_proj.weight', '1024,4096'],
  ])('%s: %s %s is [%s]', (_, json, name, dims) => {
    expect(sizes(json).get(name)).toBe(dims)
  })

  test('the tower, its chosen layer and the grids have their defaults', () => {
    expect(parseLlavaNextConfig(mistral)).toMatchObject({
      tower: 'clip',
      vision: { layers: 23, image: 336, patch: 14 },
      dropFirst: true,
      text: { ropeTheta: 1e6, epsilon: 1e-5, maxPositions: 32768 },
      // Written (height, width) in files.
      grids: [
        { width: 672, height: 336 },
        { width: 336, height: 672 },
        { width: 672, height: 672 },
        { width: 336, height: 1008 },
        { width: 1008, height: 336 },
      ],
    })
  })

  test.each([
    [{ image_grid_pinpoints: [[336, 500]] }, /image_grid_pinpoints.*multiple of image_size, 336/],
    [{ image_grid_pinpoints: [] }, /image_grid_pinpoints/],
    [{ vision_feature_select_strategy: 'full' }, /vision_feature_select_strategy.*576 patches/],
  ])('%j is refused', (json, reason) => {
    expect(() => parseLlavaNextConfig({ ...mistral, ...json })).toThrow(reason)
  })
})
