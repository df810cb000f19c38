import { describe, expect, test } from 'vitest'
import { stream } from '../numeric/random.ts'
import { randomVariation, recolouringOf, redrawn, type Variation } from './variation.ts'

const SIZE = 24

/** A premultiplied sprite of random pixels. */
function sprite(seed: number): Uint8Array {
  const random = stream(seed, 'sprite')
  const out = new Uint8Array(SIZE * SIZE * 4)
  for (let i = 0; i < out.length; i += 4) {
    const alpha = Math.floor(random() * 256)
    for (let channel = 0; channel < 3; channel++) out[i + channel] = Math.floor(random() * (alpha + 1))
    out[i + 3] = alpha
  }
  return out
}

/** The pixel at column `x` and row `y`. */
const pixel = (of: Uint8Array, x: number, y: number) => [...of.subarray((y * SIZE + x) * 4, (y * SIZE + x) * 4 + 4)]

const OTHER = sprite(99)
const STYLES = { sheets: { sprite: () => OTHER }, shown: () => [0, 1] }
const DRAWING = { concept: 0, style: 0, size: SIZE }
const change = (variation: Variation, own: Uint8Array) => redrawn(variation, STYLES)(own, DRAWING)

describe('variations', () => {
  test('no change gives the same bytes, in a new array', () => {
    const own = sprite(1)
    expect(change({}, own)).toEqual(own)
    expect(change({}, own)).not.toBe(own)
  })

  test('a mirror swaps columns and leaves the stored drawing alone', () => {
    const own = sprite(2)
    const before = own.slice()
    const mirrored = change({ mirrored: true }, own)
    for (const [x, y] of [
      [3, 5],
      [20, 11],
    ] as const) {
      expect(pixel(mirrored, SIZE - 1 - x, y)).toEqual(pixel(own, x, y))
    }
    expect(own).toEqual(before)
  })

  test('a blend goes from the own style to the other one', () => {
    const own = sprite(3)
    const between = (share: number) => change({ blend: { share, which: 0.5 } }, own)
    expect(between(0)).toEqual(own)
    expect(between(1)).toEqual(OTHER)
    expect(between(0.5)[7]).toBe(Math.round((own[7]! + OTHER[7]!) / 2))
  })

  test('a blur averages a box; a uniform drawing fades at its edges only', () => {
    const flat = new Uint8Array(SIZE * SIZE * 4).fill(200)
    const blurred = change({ blur: 2 / SIZE }, flat)
    expect(pixel(blurred, 12, 12)).toEqual([200, 200, 200, 200])
    expect(pixel(blurred, 0, 12)).toEqual([120, 120, 120, 120])
    const dot = new Uint8Array(SIZE * SIZE * 4)
    dot.fill(250, (12 * SIZE + 12) * 4, (12 * SIZE + 12) * 4 + 4)
    expect(pixel(change({ blur: 2 / SIZE }, dot), 14, 10)).toEqual([10, 10, 10, 10])
    expect(pixel(change({ blur: 2 / SIZE }, dot), 15, 10)).toEqual([0, 0, 0, 0])
  })

  test('an outline blackens the rim and keeps the opacity', () => {
    const flat = new Uint8Array(SIZE * SIZE * 4).fill(255)
    const out = change({ outline: 2 / SIZE }, flat)
    expect(pixel(out, 1, 12)).toEqual([0, 0, 0, 255])
    expect(pixel(out, 2, 12)).toEqual([255, 255, 255, 255])
  })

  test('colours stay premultiplied whatever the variation', () => {
    for (let seed = 0; seed < 40; seed++) {
      const out = change(randomVariation(stream(seed, 'variation')), sprite(seed))
      for (let i = 0; i < out.length; i += 4) expect(Math.max(out[i]!, out[i + 1]!, out[i + 2]!)).toBeLessThanOrEqual(out[i + 3]!)
    }
  })
})

describe('recolouring', () => {
  const apply = (matrix: readonly number[], [r, g, b]: readonly [number, number, number]) =>
    [0, 3, 6].map((row) => matrix[row]! * r + matrix[row + 1]! * g + matrix[row + 2]! * b)

  test('angle 0 and full colour change nothing', () => {
    expect(apply(recolouringOf(0, 1), [0.2, 0.5, 0.9])).toBeAllClose([0.2, 0.5, 0.9], { atol: 1e-9 })
  })

  test('without colour all channels are the lightness', () => {
    const [r, g, b] = apply(recolouringOf(1.3, 0), [0.2, 0.5, 0.9])
    expect([g, b]).toBeAllClose([r!, r!], { atol: 1e-9 })
  })

  test('greys stay as they are at any angle', () => {
    expect(apply(recolouringOf(0.8, 1.2), [0.4, 0.4, 0.4])).toBeAllClose([0.4, 0.4, 0.4], { atol: 2e-3 })
  })
})
