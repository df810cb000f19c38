import { describe, expect, test } from 'vitest'
import { lladaConfig } from '../../../../test/configs/lavida.ts'
import { lladaVConfig } from '../../../../test/configs/llada-v.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import { parseLavidaConfig } from '../lavida/config.ts'
import { lavidaViews, visualTokens } from '../lavida/views.ts'
import { lavidaSpellings } from '../lavida/weights.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { parseLladaVConfig } from './config.ts'
import { placed } from './processor.ts'

const picture = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7) % 251),
})

describe('the config as the scripts write it', () => {
  test("asks for LaViDa's tensors under Hugging Face's names", () => {
    const slots = modelParameters(modelOf(lladaVConfig))
    const names = (json: object) =>
      modelParameters(modelOf({ ...json })).map(({ name }) =>
        lavidaSpellings(name, { backbone: 'llada' }).at(-1),
      )
    expect(slots.map(({ name }) => name)).toEqual(names(lladaConfig))
    // Published: as LaViDa on LLaDA, whose post_layernorm is stored but never used.
    expect(slots.reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(8_434_837_024 - 2 * 1152)
  })

  test('tells itself from LaViDa by the keys of its language model', () => {
    expect(modelOf(lladaVConfig)).toMatchObject({
      family: 'llada-v',
      shape: { maxLength: 8192, nativeAttention: 'bidirectional' },
    })
    expect(modelOf(lladaConfig).family).toBe('lavida')
  })

  test('a range of grids runs over widths, then heights', () => {
    const { grids } = parseLladaVConfig(lladaVConfig)
    expect(grids).toHaveLength(36)
    expect(grids.slice(0, 2)).toEqual([
      { width: 384, height: 384 },
      { width: 384, height: 768 },
    ])
    const listed = grids.map(({ width, height }): [number, number] => [width, height])
    expect(parseLladaVConfig({ ...lladaVConfig, image_grid_pinpoints: listed }).grids).toEqual(grids)
  })

  test.each<[what: string, change: object, message: RegExp]>([
    [
      'two missing keys',
      { hidden_act: undefined, rope_theta: undefined },
      /(rope_theta.*hidden_act|hidden_act.*rope_theta)/,
    ],
    ['tiles without grids', { image_grid_pinpoints: null }, /image_grid_pinpoints: needed/],
    ['grids in other words', { image_grid_pinpoints: '6 by 6' }, /image_grid_pinpoints/],
    ['another merge', { mm_patch_merge_type: 'flat' }, /mm_patch_merge_type/],
    ['an unknown tower', { mm_vision_tower: 'x/y' }, /vision_config: needed/],
    ['heads that do not divide the width', { num_attention_heads: 33, num_key_value_heads: 33 }, /33 heads/],
  ])('%s: refused', (_, change, message) => {
    expect(() => parseLladaVConfig({ ...lladaVConfig, ...change })).toThrow(message)
  })
})

describe('tokens of a picture', () => {
  const published = parseLladaVConfig(lladaVConfig)
  /** The same map of tokens from views of 27 pixels. */
  const shrunk = {
    ...published,
    vision: { ...published.vision, image: 27, patch: 1 },
    grids: published.grids.map(({ width, height }) => ({
      width: (width / 384) * 27,
      height: (height / 384) * 27,
    })),
  }

  // specs/lavida.md §10.3
  test.each([
    [384, 384, 1485, 2],
    [640, 480, 2929, 5],
    [768, 768, 3699, 5],
    [1024, 768, 3627, 7],
    [1920, 1080, 3649, 16],
  ])('%s×%s pixels make %s tokens in %s views', (width, height, tokens, views) => {
    const { rows, views: seen } = placed([picture(width, height)], published)
    expect(rows[0]).toHaveLength(tokens)
    expect(seen).toHaveLength(views)
  })

  test("a map that is not scaled down is LaViDa's without pooling, token by token", () => {
    const lavida = {
      ...parseLavidaConfig({ ...lladaConfig, mm_spatial_pool_mode: 'none' }),
      vision: shrunk.vision,
      grids: shrunk.grids,
    }
    const wide = picture(50, 20)
    const { rows, views, visionFeeds } = placed([wide], { ...shrunk, maxTiles: 36 })
    const newline = views.length * 27 * 27
    const index = visionFeeds!.pack_index!
    const packed = rows[0]!.map((row) => Number(index.data[row]))
    expect(packed).toEqual(visualTokens(wide, lavida).map((token) => (token === 'newline' ? newline : token)))
    expect(views).toEqual(lavidaViews(wide, lavida))
  })

  test('several pictures get one padded view and one newline each', () => {
    const { rows, views, visionFeeds } = placed([picture(50, 20), picture(9, 9)], shrunk)
    expect(rows.map((own) => own.length)).toEqual([730, 730])
    expect(views).toEqual(
      [picture(50, 20), picture(9, 9)].flatMap((image) => lavidaViews(image, { ...shrunk, aspect: 'pad' })),
    )
    const index = visionFeeds!.pack_index!
    expect([729, 730, 1459].map((at) => Number(index.data[at]))).toEqual([1458, 729, 1458])
  })

  test('text alone has no feeds', () => {
    expect(placed([], published)).toEqual({ views: [], rows: [], visionFeeds: undefined })
  })
})
