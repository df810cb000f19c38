import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir, hasWhole } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { openSafetensors } from '../../models/checkpoint/safetensors.ts'
import { anyresViews, bestResolution, fitInside, unpadded } from './anyres.ts'
import { decodeImage } from './decode.ts'
import type { RgbImage, Size } from './image.ts'
import { padToSquare } from './pad.ts'
import { clipProcessor, type ImageProcessor, siglipProcessor } from './processors.ts'

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))
const size = (width: number, height: number): Size => ({ width, height })
const pair = z.tuple([z.int(), z.int()])

/** The grids of the released LaViDa and LLaVA-NeXT checkpoints, (width, height). */
const lavidaGrids = [size(384, 768), size(768, 384), size(768, 768), size(1152, 384), size(384, 1152)]
const nextGrids = [size(672, 336), size(336, 672), size(672, 672), size(336, 1008), size(1008, 336)]

describe('LaViDa, 14 cells a tile (specs/lavida.md §4.5)', () => {
  test.each<[number, number, number, number, number, number]>([
    [224, 224, 384, 768, 14, 14],
    [384, 384, 384, 768, 14, 14],
    [300, 200, 384, 768, 14, 10],
    [200, 300, 384, 768, 14, 22],
    [500, 375, 768, 384, 18, 14],
    [375, 500, 384, 768, 14, 18],
    [512, 512, 768, 768, 28, 28],
    [640, 480, 768, 768, 28, 22],
    [480, 640, 768, 768, 22, 28],
    [640, 427, 768, 768, 28, 18],
    [427, 640, 768, 768, 18, 28],
    [1280, 720, 768, 768, 28, 16],
    [1080, 1920, 768, 768, 16, 28],
    [1240, 1754, 768, 768, 20, 28],
    [1000, 300, 1152, 384, 42, 12],
    [300, 1000, 384, 1152, 12, 42],
  ])('%i×%i: grid %i×%i, %i×%i cells kept', (width, height, gridWidth, gridHeight, columns, rows) => {
    const original = size(width, height)
    const grid = bestResolution(original, lavidaGrids)
    expect(grid).toEqual(size(gridWidth, gridHeight))
    expect(
      unpadded(original, size((grid.width / 384) * 14, (grid.height / 384) * 14), 'truncate'),
    ).toMatchObject(size(columns, rows))
  })
})

describe('LLaVA-NeXT, 24 cells a tile; sides as height, width (specs/ar-vlms.md §11)', () => {
  test.each<[number, number, number, number, number, number]>([
    [480, 640, 672, 672, 36, 48],
    [899, 1024, 672, 672, 42, 48],
    [336, 336, 336, 672, 24, 24],
    [224, 224, 336, 672, 24, 24],
    [1080, 1920, 672, 672, 28, 48],
    [100, 70, 336, 672, 24, 16],
    [70, 100, 336, 672, 24, 34],
    [2000, 300, 1008, 336, 72, 10],
    [300, 2000, 336, 1008, 10, 72],
    [3000, 4000, 672, 672, 36, 48],
  ])('%i×%i: grid %i×%i, %i×%i cells kept', (height, width, gridHeight, gridWidth, rows, columns) => {
    const original = size(width, height)
    const grid = bestResolution(original, nextGrids)
    expect(grid).toEqual(size(gridWidth, gridHeight))
    expect(
      unpadded(original, size((grid.width / 336) * 24, (grid.height / 336) * 24), 'digits7'),
    ).toMatchObject(size(columns, rows))
  })
})

test.each<[number, number, Size, Size, number, number]>([
  [20, 20, size(22, 44), size(22, 22), 0, 11],
  [60, 60, size(44, 44), size(44, 44), 0, 0],
  [60, 45, size(44, 44), size(44, 33), 0, 5],
  [45, 60, size(44, 44), size(33, 44), 5, 0],
  [100, 30, size(66, 22), size(66, 20), 0, 1],
  [30, 100, size(22, 66), size(20, 66), 1, 0],
])('%i×%i is fitted into its grid (specs/lavida.md §8)', (width, height, grid, fitted, left, top) => {
  const grids = [size(22, 44), size(44, 22), size(44, 44), size(66, 22), size(22, 66)]
  expect(bestResolution(size(width, height), grids)).toEqual(grid)
  expect(fitInside(size(width, height), grid)).toEqual(fitted)
  expect([
    Math.floor((grid.width - fitted.width) / 2),
    Math.floor((grid.height - fitted.height) / 2),
  ]).toEqual([left, top])
})

test('the two roundings differ where the side falls short of a whole number by the last bit', () => {
  const [original, map] = [size(376, 47), size(24, 24)]
  expect(47 * (24 / 376)).toBe(2.9999999999999996)
  expect(unpadded(original, map, 'truncate')).toEqual({ left: 0, top: 11, width: 24, height: 2 })
  expect(unpadded(original, map, 'digits7')).toEqual({ left: 0, top: 10, width: 24, height: 4 })
})

test('as many pixels kept: the least empty area wins, then the first', () => {
  expect(bestResolution(size(10, 10), [size(40, 20), size(20, 20)])).toEqual(size(20, 20))
  expect(bestResolution(size(10, 10), [size(20, 40), size(40, 20)])).toEqual(size(20, 40))
})

test('no grids', () => {
  expect(() => bestResolution(size(2, 2), [])).toThrowError(expect.objectContaining({ code: 'media/grids' }))
})

const geometry = z.object({
  image_size: pair,
  grid: pair.optional(),
  views: z.int(),
  kept_cols: z.int().optional(),
  kept_rows: z.int().optional(),
  base_tokens: z.int(),
  visual_tokens: z.int(),
})

const lavidaCases = z.object({
  tolerance: z.object({ pixel_values: z.number() }),
  cases: z.array(
    z.object({
      name: z.string(),
      items: z.array(z.object({ images: z.array(z.string()) })),
      config_overrides: z.object({ image_aspect_ratio: z.string().optional() }).nullish(),
      expect: z.object({
        geometry: z.array(z.array(geometry)).nullish(),
        stages: z.record(z.string(), z.string()).optional(),
      }),
    }),
  ),
})

const lavidaConfig = z.object({
  image_aspect_ratio: z.string(),
  image_grid_pinpoints: z.array(pair),
  vision_config: z.object({ image_size: z.int() }),
})

describe.each(['lavida-llada', 'lavida-dream'])('%s', (name) => {
  const folder = goldenDir(name)
  const config = lavidaConfig.parse(json(`${folder}/checkpoint/config.json`))
  const side = config.vision_config.image_size
  const tile = size(side, side)
  const grids = config.image_grid_pinpoints.map(([width, height]) => size(width, height))
  const toPixels = siglipProcessor({ size: side })
  const { cases, tolerance } = lavidaCases.parse(json(`${folder}/cases.json`))
  const pictured = cases.filter(
    ({ expect: { geometry, stages } }) => geometry?.flat().length && stages?.pixel_values,
  )
  const modes = new Set(
    pictured.map(({ config_overrides }) => config_overrides?.image_aspect_ratio ?? config.image_aspect_ratio),
  )

  test('the fixture has grids and padded squares', () => {
    // The reduced fixture of LLaDA has grids alone.
    const expected = hasWhole(name) || name === 'lavida-dream' ? ['anyres', 'pad'] : ['anyres']
    expect([...modes].sort()).toEqual(expected)
  })

  test.each(pictured)(
    '$name: geometry and pixel values equal the reference',
    async ({ items, config_overrides, expect: wanted }) => {
      const padded = (config_overrides?.image_aspect_ratio ?? config.image_aspect_ratio) === 'pad'
      const geometries = wanted.geometry!.flat()
      const views: RgbImage[] = []
      for (const [i, file] of items.flatMap(({ images }) => images).entries()) {
        const image = await decodeImage(`${folder}/images/${file}`)
        const made = padded
          ? [padToSquare(image, [127, 127, 127])]
          : anyresViews(image, { grids, tile, filter: 'bicubic' })
        const expected = geometries[i]!
        expect([image.width, image.height]).toEqual(expected.image_size)
        expect(made).toHaveLength(expected.views)
        if (expected.grid !== undefined) {
          const grid = bestResolution(image, grids)
          expect([grid.width, grid.height]).toEqual(expected.grid)
          const cells = Math.sqrt(expected.base_tokens)
          const kept = unpadded(
            image,
            size((grid.width / side) * cells, (grid.height / side) * cells),
            'truncate',
          )
          expect(kept).toMatchObject(size(expected.kept_cols!, expected.kept_rows!))
          expect(expected.base_tokens + kept.height * (kept.width + 1)).toBe(expected.visual_tokens)
        }
        views.push(...made)
      }
      await expectPixels(folder, wanted.stages!.pixel_values!, views, toPixels, tolerance.pixel_values)
    },
  )
})

describe('llava-next', () => {
  const folder = goldenDir('llava-next')
  const settings = z.object({
    image_grid_pinpoints: z.array(pair),
    crop_size: z.object({ height: z.int(), width: z.int() }),
  })

  test.each(
    [
      ['odd', 'odd.png'] as const,
      ['tall', 'tall.png'] as const,
      ['wide', 'wide.png'] as const,
      ['vlm2vec', 'grey.png'] as const,
      ['needle', 'needle.png'] as const,
    ].filter(([, file]) => existsSync(`${folder}/images/${file}`)),
  )('%s: pixel values equal the reference', async (name, file) => {
    const config = json(`${folder}/checkpoint/preprocessor_config.json`)
    const { image_grid_pinpoints, crop_size } = settings.parse(config)
    const grids = image_grid_pinpoints.map(([height, width]) => size(width, height))
    const views = anyresViews(await decodeImage(`${folder}/images/${file}`), {
      grids,
      tile: crop_size,
      filter: 'bicubic',
    })
    await expectPixels(folder, `${name}/pixel_values`, views, clipProcessor(config), 1e-5)
  })
})

async function expectPixels(
  folder: string,
  name: string,
  views: RgbImage[],
  toPixels: ImageProcessor,
  atol: number,
): Promise<void> {
  const expected = toF32(await (await openSafetensors(`${folder}/expected.safetensors`)).read(name))
  const pixels = views.map(toPixels)
  const views0 = expected.dims.length === 5 ? expected.dims.slice(1) : expected.dims
  expect([pixels.length, ...pixels[0]!.dims]).toEqual(views0)
  expect(Float32Array.from(pixels.flatMap(({ data }) => Array.from(data)))).toBeAllClose(expected.data, {
    atol,
  })
}
