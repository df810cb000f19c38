import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { openSafetensors } from '../../models/checkpoint/safetensors.ts'
import { decodeImage } from './decode.ts'
import type { RgbImage } from './image.ts'
import { clipProcessor, type ImageProcessor, siglipProcessor } from './processors.ts'

const casesFile = z.object({
  tolerance: z.object({ pixel_values: z.number() }),
  cases: z.array(
    z.object({
      name: z.string(),
      items: z.array(z.object({ images: z.array(z.string()) })),
      tolerance: z.object({ pixel_values: z.number().optional() }).optional(),
      expect: z.object({ stages: z.record(z.string(), z.string()).optional() }),
    }),
  ),
})

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'))

const families: [string, (config: unknown) => ImageProcessor][] = [
  ['clip', clipProcessor],
  ['llava', clipProcessor],
  ['siglip', siglipProcessor],
  ['siglip2', siglipProcessor],
]

describe.each(families)('%s', (name, create) => {
  const folder = goldenDir(name)
  const { cases, tolerance } = casesFile.parse(json(`${folder}/cases.json`))
  const pictured = cases.flatMap((each) => {
    const tensor = each.expect.stages?.pixel_values
    return tensor === undefined
      ? []
      : [{ ...each, tensor, atol: each.tolerance?.pixel_values ?? tolerance.pixel_values }]
  })

  test('the fixture has pictures', () => expect(pictured.length).toBeGreaterThan(0))

  test.each(pictured)('$name: pixel values equal the reference', async ({ items, tensor, atol }) => {
    const toPixels = create(json(`${folder}/checkpoint/preprocessor_config.json`))
    const expected = toF32(await (await openSafetensors(`${folder}/expected.safetensors`)).read(tensor))
    const views = []
    for (const file of items.flatMap(({ images }) => images))
      views.push(toPixels(await decodeImage(`${folder}/images/${file}`)))
    expect([views.length, ...views[0]!.dims]).toEqual(expected.dims)
    expect(Float32Array.from(views.flatMap(({ data }) => Array.from(data)))).toBeAllClose(expected.data, {
      atol,
    })
  })
})

/** A picture whose level tells where it came from. */
function ramp(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7) % 256) }
}

describe('settings as published files spell them', () => {
  const image = ramp(9, 6)
  test.each<[string, (config: unknown) => ImageProcessor, object, number[]]>([
    ['plain numbers: the shortest edge, a square crop', clipProcessor, { size: 4, crop_size: 4 }, [3, 4, 4]],
    [
      'no crop keeps the aspect, cut to whole pixels',
      clipProcessor,
      { size: { shortest_edge: 5 }, do_center_crop: false },
      [3, 5, 7],
    ],
    ['an exact size', clipProcessor, { size: { height: 5, width: 3 }, do_center_crop: false }, [3, 5, 3]],
    [
      'a crop larger than the picture',
      clipProcessor,
      { do_resize: false, crop_size: { height: 8, width: 12 } },
      [3, 8, 12],
    ],
    ['the defaults of CLIP', clipProcessor, {}, [3, 224, 224]],
    ['a plain number: a square', siglipProcessor, { size: 5 }, [3, 5, 5]],
    ['the defaults of SigLIP', siglipProcessor, { image_mean: null }, [3, 224, 224]],
    [
      'SigLIP never crops',
      siglipProcessor,
      { size: { height: 6, width: 9 }, do_center_crop: true, crop_size: 2 },
      [3, 6, 9],
    ],
  ])('%s', (_, create, config, dims) => {
    expect(create(config)(image).dims).toEqual(dims)
  })

  const untouched = { do_resize: false, do_center_crop: false }
  test.each<[string, object, (level: number) => number]>([
    ['neither scaled nor normalised', { do_rescale: false, do_normalize: false }, (level) => level],
    ['scaled only', { do_normalize: false }, (level) => level / 255],
    [
      'normalised only',
      { do_rescale: false, image_mean: [9, 9, 9], image_std: [2, 2, 2] },
      (level) => (level - 9) / 2,
    ],
    [
      'both',
      { image_mean: [0.25, 0.25, 0.25], image_std: [0.5, 0.5, 0.5] },
      (level) => (level / 255 - 0.25) / 0.5,
    ],
  ])('%s', (_, config, value) => {
    const { data } = clipProcessor({ ...untouched, ...config })(image)
    const channelsFirst = [0, 1, 2].flatMap((channel) =>
      Array.from(image.data.filter((__, i) => i % 3 === channel)),
    )
    expect(data).toBeAllClose(channelsFirst.map(value), { atol: 1e-6 })
  })
})

describe('settings that are refused', () => {
  test.each<[string, (config: unknown) => ImageProcessor, unknown, string, string]>([
    ['a filter of no published model', clipProcessor, { resample: 5 }, 'media/resample', 'got 5'],
    ['not an object', clipProcessor, [], 'media/processor-config', 'preprocessor_config.json'],
    ['a size of zero', clipProcessor, { size: 0 }, 'media/processor-config', 'size'],
    ['two means', siglipProcessor, { image_mean: [0.5, 0.5] }, 'media/processor-config', 'image_mean'],
    [
      'a deviation of zero',
      siglipProcessor,
      { image_std: [0.5, 0, 0.5] },
      'media/processor-config',
      'image_std',
    ],
    [
      'the shortest edge for SigLIP',
      siglipProcessor,
      { size: { shortest_edge: 7 } },
      'media/processor-config',
      'size',
    ],
  ])('%s', (_, create, config, code, word) => {
    expect(() => create(config)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(word) }),
    )
  })
})
