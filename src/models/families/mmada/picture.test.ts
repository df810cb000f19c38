import { describe, expect, test } from 'vitest'
import type { RgbImage } from '../../../inputs/media/image.ts'
import { halfToEven, mmadaPixels, shorterSide } from './picture.ts'

describe('the middle of a picture', () => {
  // specs/mmada.md §3.1
  test.each([
    [640, 480, 256, 341, 256, 42, 0],
    [640, 480, 512, 682, 512, 85, 0],
    [480, 640, 256, 256, 341, 0, 42],
    [333, 500, 512, 512, 768, 0, 128],
    [100, 37, 256, 691, 256, 218, 0],
    [517, 512, 512, 517, 512, 2, 0],
  ])('%s×%s to %s: %s×%s, cut at (%s, %s)', (width, height, side, toWidth, toHeight, left, top) => {
    expect(shorterSide({ width, height }, side)).toEqual({ width: toWidth, height: toHeight })
    expect([halfToEven(toWidth - side), halfToEven(toHeight - side)]).toEqual([left, top])
  })

  test.each([
    [515 - 512, 2],
    [513 - 512, 0],
    [517 - 512, 2],
    [519 - 512, 4],
  ])('half of %s pixels is %s: halves go to even', (pixels, half) => {
    expect(halfToEven(pixels)).toBe(half)
  })
})

/** Columns of one level each: 0, 10, 20, … */
function stripes(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < data.length; i++) data[i] = (Math.floor(i / 3) % width) * 10
  return { width, height, data }
}

describe('ways to a square', () => {
  const levels = (image: RgbImage, fit: 'crop' | 'squash' | 'pad') =>
    Array.from(mmadaPixels(image, 4, fit).data.subarray(0, 4), (value) =>
      Math.round((value * 0.5 + 0.5) * 255),
    )

  test('a picture whose shorter side fits is cut without resampling', () => {
    expect(levels(stripes(7, 4), 'crop')).toEqual([20, 30, 40, 50])
  })

  test('squashing keeps both edges, padding puts white above', () => {
    expect(levels(stripes(8, 4), 'squash')[3]).toBeGreaterThan(55)
    expect(Math.min(...levels(stripes(8, 4), 'pad'))).toBeGreaterThan(200)
  })

  test('levels run from −1 to 1, channels apart', () => {
    const red: RgbImage = {
      width: 4,
      height: 4,
      data: new Uint8Array(48).map((_, i) => (i % 3 === 0 ? 255 : 0)),
    }
    const { dims, data } = mmadaPixels(red, 4, 'crop')
    expect(dims).toEqual([3, 4, 4])
    expect([data[0], data[16], data[32]]).toEqual([1, -1, -1])
  })
})
