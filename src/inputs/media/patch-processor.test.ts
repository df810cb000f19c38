import { describe, expect, test } from 'vitest'
import type { RgbImage } from './image.ts'
import { patchProcessor, smartResize } from './patch-processor.ts'

const published = { min: 3136, max: 12_845_056 }
const smaller = { min: 3136, max: 1_003_520 }

describe('smartResize', () => {
  // specs/ar-vlms.md §11, recomputed with transformers 4.57.6.
  test.each([
    [480, 640, 476, 644],
    [899, 1024, 896, 1036],
    [336, 336, 336, 336],
    [224, 224, 224, 224],
    [1080, 1920, 1092, 1932],
    [100, 70, 112, 56],
    [70, 100, 56, 112],
    [2000, 300, 1988, 308],
    [300, 2000, 308, 1988],
    [3000, 4000, 2996, 4004],
    // A side that rounds to 0 makes the picture too small (§3.3).
    [10, 1000, 28, 560],
  ])('%i×%i (height×width) becomes %i×%i', (height, width, rows, columns) => {
    expect(smartResize({ width, height }, 28, published)).toEqual({ width: columns, height: rows })
  })

  test.each([
    [1080, 1920, 728, 1316],
    [3000, 4000, 840, 1148],
  ])('%i×%i shrinks to %i×%i under the class default', (height, width, rows, columns) => {
    expect(smartResize({ width, height }, 28, smaller)).toEqual({ width: columns, height: rows })
  })

  test('strips are refused', () => {
    expect(() => smartResize({ width: 2010, height: 10 }, 28, published)).toThrowError(
      expect.objectContaining({ code: 'media/aspect' }),
    )
    expect(smartResize({ width: 2000, height: 10 }, 28, published).height).toBe(28)
  })
})

/** A picture whose red level tells the column, green the row. */
function ramp(width: number, height: number): RgbImage {
  return {
    width,
    height,
    data: Uint8Array.from(
      { length: width * height * 3 },
      (_, i) => [Math.floor(i / 3) % width, Math.floor(i / 3 / width), 7][i % 3]!,
    ),
  }
}

const plain = { patch_size: 2, do_resize: false, do_rescale: false, do_normalize: false }

describe('patches', () => {
  test('come token by token, then by channel, frame, y, x', () => {
    const { dims, data } = patchProcessor(plain).patches(ramp(8, 4))
    expect(dims).toEqual([1, 2, 4, 24])
    // Second token, third patch: columns 4 and 5, rows 2 and 3; both frames are the picture.
    expect(Array.from(data.slice((4 + 2) * 24, (4 + 3) * 24))).toEqual([
      4, 5, 4, 5, 4, 5, 4, 5, 2, 2, 3, 3, 2, 2, 3, 3, 7, 7, 7, 7, 7, 7, 7, 7,
    ])
  })

  test.each<[what: string, config: object, rows: number, columns: number]>([
    ['the class default', { patch_size: 14 }, 2, 4],
    ['min_pixels', { min_pixels: 28 * 28 * 32 }, 4, 8],
    ['size', { size: { shortest_edge: 28 * 28 * 32, longest_edge: 1e6 } }, 4, 8],
    [
      'max_pixels before size',
      { max_pixels: 28 * 28 * 2, min_pixels: 1, size: { shortest_edge: 28 * 28 * 32, longest_edge: 1e6 } },
      1,
      2,
    ],
  ])('limits: %s', (_, config, rows, columns) => {
    expect(patchProcessor(config).patches(ramp(100, 50)).dims).toEqual([rows, columns, 4, 1176])
  })

  test.each<[what: string, make: () => unknown, code: string]>([
    ['sides that patches do not fill', () => patchProcessor(plain).patches(ramp(6, 4)), 'media/patches'],
    ['a limit of 0', () => patchProcessor({ min_pixels: 0 }), 'media/processor-config'],
    ['no object', () => patchProcessor('qwen'), 'media/processor-config'],
    ['a filter of no model', () => patchProcessor({ resample: 0 }), 'media/resample'],
  ])('refused: %s', (_, make, code) => {
    expect(make).toThrowError(expect.objectContaining({ code }))
  })
})
