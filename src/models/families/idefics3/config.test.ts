import { describe, expect, test } from 'vitest'
import { smolvlm500m as medium, smolvlm256m as small } from '../../../../test/configs/published.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { parseIdefics3Config, tokensPerView } from './config.ts'

const parameters = (json: Readonly<Record<string, unknown>>) => modelParameters(modelOf(json))

describe('published configs (specs/ar-vlms.md §5.1, §5.2)', () => {
  test.each([
    ['256M', small, 'model.connector.modality_projection.proj.weight', '576,12288'],
    ['256M', small, 'model.text_model.layers.29.self_attn.k_proj.weight', '192,576'],
    ['256M', small, 'model.vision_model.embeddings.position_embedding.weight', '1024,768'],
    ['256M', small, 'model.vision_model.post_layernorm.bias', '768'],
    ['256M', small, 'lm_head.weight', '49280,576'],
    ['500M', medium, 'model.connector.modality_projection.proj.weight', '960,12288'],
    ['500M', medium, 'model.text_model.layers.31.mlp.down_proj.weight', '960,2560'],
  ])('SmolVLM-%s: %s %s is [%s]', (_, json, name, dims) => {
    expect(
      parameters(json)
        .find((slot) => slot.name === name)
        ?.dims.join(),
    ).toBe(dims)
  })

  test.each([
    ['256M', small, 256_484_928],
    ['500M', medium, 507_482_304],
  ])('SmolVLM-%s has the published number of parameters', (_, json, count) => {
    expect(parameters(json).reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(count)
  })

  test.each([
    [{ image_size: 512, patch_size: 16 }, 4, 64],
    [{ image_size: 384, patch_size: 14 }, 3, 81],
    [{ image_size: 364, patch_size: 14 }, 2, 169],
  ])('%j at scale %i: %i tokens a view', (size, scale_factor, tokens) => {
    expect(
      tokensPerView(
        parseIdefics3Config({ ...small, scale_factor, vision_config: { ...small.vision_config, ...size } }),
      ),
    ).toBe(tokens)
  })

  test('defaults of its own class', () => {
    expect(parseIdefics3Config({ model_type: 'idefics3', scale_factor: 7 })).toMatchObject({
      vision: { hidden: 1152, inner: 3072, layers: 12, heads: 16, image: 224, patch: 32 },
      text: { epsilon: 1e-5, vocabulary: 32000 },
      imageTokenId: 128_257,
      tied: false,
    })
  })

  test('a scale that does not divide the patches is refused', () => {
    expect(() => parseIdefics3Config({ ...small, scale_factor: 5 })).toThrow(
      /scale_factor: must divide the 32 patches/,
    )
  })
})
