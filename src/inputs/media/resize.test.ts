import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import oracle from '../../../test/fixtures/media/resize.json' with { type: 'json' }
import type { RgbImage } from './image.ts'
import { padToSquare } from './pad.ts'
import { clipProcessor } from './processors.ts'
import { type ResizeFilter, resize, resizeTaps } from './resize.ts'

/** The same grey level in the three channels. */
function grey(width: number, height: number, levels: readonly number[]): RgbImage {
  return { width, height, data: Uint8Array.from(levels.flatMap((level) => [level, level, level])) }
}

const channel = ({ data }: RgbImage, at: number) => Array.from(data.filter((_, i) => i % 3 === at))

describe('one row of 8 pixels, values from Pillow (specs/ar-vlms.md §9)', () => {
  const ramp = [0, 32, 64, 96, 128, 160, 192, 255]
  const step = [0, 0, 0, 255, 255, 0, 255, 0]
  test.each<[string, number[], ResizeFilter, number[]]>([
    ['ramp', ramp, 'lanczos', [26, 110, 208]],
    ['ramp', ramp, 'lanczos', [10, 60, 113, 162, 233]],
    ['ramp', ramp, 'lanczos', [0, 9, 34, 55, 72, 93, 112, 131, 153, 166, 190, 234, 255]],
    ['ramp', ramp, 'bilinear', [35, 112, 198]],
    ['ramp', ramp, 'bilinear', [13, 62, 112, 162, 229]],
    ['ramp', ramp, 'bilinear', [0, 14, 33, 53, 73, 92, 112, 132, 151, 171, 191, 228, 255]],
    ['ramp', ramp, 'bicubic', [29, 111, 205]],
    ['ramp', ramp, 'bicubic', [10, 60, 112, 163, 233]],
    ['ramp', ramp, 'bicubic', [0, 11, 33, 53, 73, 92, 112, 132, 151, 170, 190, 233, 255]],
    ['step', step, 'lanczos', [7, 179, 110]],
    ['step', step, 'lanczos', [0, 36, 248, 115, 106]],
    ['step', step, 'lanczos', [0, 4, 0, 0, 57, 229, 255, 222, 22, 73, 254, 120, 0]],
    ['step', step, 'bilinear', [20, 164, 121]],
    ['step', step, 'bilinear', [0, 47, 234, 113, 104]],
    ['step', step, 'bilinear', [0, 0, 0, 0, 69, 226, 255, 226, 69, 88, 245, 108, 0]],
    ['step', step, 'bicubic', [9, 176, 112]],
    ['step', step, 'bicubic', [0, 36, 251, 110, 104]],
    ['step', step, 'bicubic', [0, 0, 0, 0, 57, 236, 255, 234, 39, 71, 254, 109, 0]],
  ])('%s %j %s %j', (_, levels, filter, expected) => {
    const row = resize(grey(8, 1, levels), { width: expected.length, height: 1 }, filter)
    const column = resize(grey(1, 8, levels), { width: 1, height: expected.length }, filter)
    for (const at of [0, 1, 2]) {
      expect(channel(row, at)).toEqual(expected)
      expect(channel(column, at)).toEqual(expected)
    }
  })
})

test.each<[ResizeFilter, number[]]>([
  ['lanczos', [11, 27, 43, 71, 87, 103, 135, 151, 167, 195, 211, 227]],
  ['bilinear', [18, 33, 48, 75, 90, 105, 133, 148, 163, 190, 205, 220]],
  ['bicubic', [12, 28, 44, 72, 88, 104, 134, 150, 166, 194, 210, 226]],
])('7×5 to 3×4 in both directions, %s (specs/ar-vlms.md §9)', (filter, expected) => {
  const levels = Array.from({ length: 35 }, (_, i) => (7 * i) % 256)
  expect(channel(resize(grey(7, 5, levels), { width: 3, height: 4 }, filter), 0)).toEqual(expected)
})

test('the weights of bicubic 8 to 3 (specs/ar-vlms.md §9)', () => {
  const { first, count, weights, stride } = resizeTaps(8, 3, 'bicubic')
  expect(Array.from(first)).toEqual([0, 0, 1])
  expect(
    Array.from({ length: 3 }, (_, out) =>
      Array.from(weights.subarray(out * stride, out * stride + count[out]!)),
    ),
  ).toEqual([
    [1357984, 1678094, 1096189, 261175, -104842, -91194, -3102],
    [-113649, 59548, 732425, 1418827, 1418827, 732425, 59548, -113649],
    [-3102, -91194, -104842, 261175, 1096189, 1678094, 1357984],
  ])
})

/** The sources of test/oracles/pillow_resize.py. */
function source(seed: number, width: number, height: number, kind: string): RgbImage {
  const data = new Uint8Array(width * height * 3)
  let state = seed
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / 3)
    const at = i % 3
    const x = pixel % width
    const y = Math.floor(pixel / width)
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    if (kind === 'noise') data[i] = state >>> 24
    else if (kind === 'smooth') data[i] = Math.abs(((x * (3 + at) + y * 5 + seed) % 510) - 255)
    else data[i] = 255 * (((x >> 2) + (y >> 1) + at + seed) & 1)
  }
  return { width, height, data }
}

const randomCases = z
  .array(
    z.tuple([
      z.int(),
      z.string(),
      z.int(),
      z.int(),
      z.int(),
      z.int(),
      z.enum(['box', 'bilinear', 'bicubic', 'lanczos']),
      z.string(),
    ]),
  )
  .min(200)
  .parse(oracle.cases)

test.each(randomCases)(
  'random sizes equal Pillow: seed %i, %s %i×%i to %i×%i %s',
  (seed, kind, width, height, toWidth, toHeight, filter, expected) => {
    const { data } = resize(source(seed, width, height, kind), { width: toWidth, height: toHeight }, filter)
    expect(createHash('sha256').update(data).digest('hex').slice(0, 16)).toBe(expected)
  },
)

test.each([
  { width: 0, height: 4 },
  { width: 4, height: 2.5 },
  { width: Number.NaN, height: 1 },
])('refuses %j', (size) => {
  expect(() => resize(grey(1, 1, [0]), size, 'bicubic')).toThrowError(
    expect.objectContaining({ code: 'media/size' }),
  )
})

describe('a picture of one column and 15 million rows', () => {
  const tall: RgbImage = { width: 1, height: 15_000_000, data: new Uint8Array(45_000_000).fill(90) }

  test('is refused where its width follows from its height', () => {
    const refused = expect.objectContaining({ code: 'media/aspect', exitCode: 3 })
    expect(() => clipProcessor({})(tall)).toThrowError(refused)
    expect(() => padToSquare(tall, [0, 0, 0])).toThrowError(refused)
    expect(() => resize(tall, { width: 1000, height: 15_000_000 }, 'box')).toThrowError(refused)
  })

  test('is made lower where the size is fixed', () => {
    const { data } = resize(tall, { width: 4, height: 2 }, 'bicubic')
    // Pillow's value too: weights of millionths are rounded to 22 bits.
    expect(Array.from(data)).toEqual(new Array(24).fill(91))
  })

  test('a wide one too, and one that gets both wider and lower', () => {
    const wide: RgbImage = { ...tall, width: tall.height, height: 1 }
    expect(resize(wide, { width: 2, height: 1 }, 'bilinear').data).toEqual(new Uint8Array(6).fill(70))
    // The rows of the first pass are never all there at once.
    const high: RgbImage = { width: 1000, height: 9000, data: new Uint8Array(27_000_000).fill(90) }
    const { data } = resize(high, { width: 1001, height: 3 }, 'box')
    expect(data.every((level) => level === 90)).toBe(true)
  })
})

test('an equal size is a copy', () => {
  const image = grey(2, 1, [7, 9])
  const same = resize(image, image, 'lanczos')
  expect(same).toEqual(image)
  expect(same.data.buffer).not.toBe(image.data.buffer)
})
