import { describe, expect, test } from 'vitest'
import { dreamConfig, lladaConfig } from '../../../../test/configs/lavida.ts'
import { parseLavidaConfig } from './config.ts'
import { lavidaViews, visualTokens } from './views.ts'

const published = parseLavidaConfig(lladaConfig)

describe('tokens of a picture', () => {
  // specs/lavida.md §4.5
  test.each([
    [224, 224, 406],
    [300, 200, 346],
    [200, 300, 526],
    [500, 375, 462],
    [1024, 1024, 1008],
    [640, 480, 834],
    [480, 640, 840],
    [427, 640, 728],
    [1920, 1080, 660],
    [1240, 1754, 784],
    [1000, 300, 712],
    [300, 1000, 742],
  ])('%d×%d pixels make %d tokens', (width, height, tokens) => {
    expect(visualTokens({ width, height }, published)).toHaveLength(tokens)
  })

  const tile = {
    num_hidden_layers: 3,
    hidden_size: 8,
    intermediate_size: 8,
    num_attention_heads: 1,
    image_size: 4,
    patch_size: 1,
  }
  const tiny = (changes: object) =>
    parseLavidaConfig({
      ...dreamConfig,
      mm_hidden_size: 8,
      image_grid_pinpoints: [[8, 4]],
      vision_config: { ...tile, layer_norm_eps: 1e-6, hidden_act: 'gelu' },
      ...changes,
    })
  const wide = { width: 8, height: 4 }

  test('tiles are read row by row across views, a newline after each row', () => {
    expect(visualTokens(wide, tiny({}))).toEqual([0, 1, 2, 3, 4, 5, 8, 9, 'newline', 6, 7, 10, 11, 'newline'])
    expect(visualTokens(wide, tiny({ mm_patch_merge_type: 'spatial' }))).toEqual([
      0, 1, 2, 3, 4, 5, 8, 9, 6, 7, 10, 11,
    ])
    expect(visualTokens(wide, tiny({ mm_patch_merge_type: 'flat' }))).toEqual([...Array(12).keys()])
  })

  test('one view: its tokens, and one newline only where padding is removed', () => {
    expect(visualTokens(wide, tiny({ image_aspect_ratio: 'pad' }))).toEqual([0, 1, 2, 3, 'newline'])
    const flat = { image_aspect_ratio: 'square', mm_patch_merge_type: 'flat', mm_spatial_pool_mode: 'none' }
    expect(visualTokens(wide, tiny(flat))).toEqual([...Array(16).keys()])
  })

  test('padded to a square the grey bars show, squashed they do not', () => {
    const image = { width: 4, height: 2, data: new Uint8Array(24).fill(255) }
    const [padded] = lavidaViews(image, tiny({ image_aspect_ratio: 'pad' }))
    const [squashed] = lavidaViews(image, tiny({ image_aspect_ratio: null }))
    expect(padded!.dims).toEqual([3, 4, 4])
    expect(padded!.data.slice(0, 4)).toBeAllClose(new Float32Array(4).fill(127 / 127.5 - 1))
    expect(squashed!.data).toBeAllClose(new Float32Array(48).fill(1))
  })
})
