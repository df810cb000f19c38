import { describe, expect, test } from 'vitest'
import { stream } from '../../foundation/numeric/random.ts'
import { randomVariation, recolouringOf, redrawn } from './variation.ts'

const SIZE = 24
const STILL = { turn: 0, stretch: [1, 1], shift: [0, 0] } as const

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
const pixel = (of: Uint8Array, x: number, y: number) => [
  ...of.subarray((y * SIZE + x) * 4, (y * SIZE + x) * 4 + 4),
]

describe('variations', () => {
  test('no change gives the same bytes, in a new array', () => {
    const own = sprite(1)
    const out = redrawn(STILL)(own, SIZE)
    expect(out).toEqual(own)
    expect(out).not.toBe(own)
  })

  test('a mirror swaps columns, half a turn swaps both, a shift moves and leaves the rest empty', () => {
    const own = sprite(2)
    const mirrored = redrawn({ ...STILL, stretch: [-1, 1] })(own, SIZE)
    const turned = redrawn({ ...STILL, turn: Math.PI })(own, SIZE)
    const moved = redrawn({ ...STILL, shift: [0.25, 0] })(own, SIZE)
    for (const [x, y] of [
      [3, 5],
      [20, 11],
    ] as const) {
      expect(pixel(mirrored, SIZE - 1 - x, y)).toEqual(pixel(own, x, y))
      expect(pixel(turned, SIZE - 1 - x, SIZE - 1 - y)).toEqual(pixel(own, x, y))
    }
    expect(pixel(moved, 9, 5)).toEqual(pixel(own, 3, 5))
    expect(pixel(moved, 2, 5)).toEqual([0, 0, 0, 0])
  })

  test('a quarter turn goes clockwise', () => {
    const own = sprite(3)
    const turned = redrawn({ ...STILL, turn: Math.PI / 2 })(own, SIZE)
    expect(pixel(turned, SIZE - 1 - 5, 3)).toEqual(pixel(own, 3, 5))
  })

  test('colours stay premultiplied whatever the variation', () => {
    for (let seed = 0; seed < 40; seed++) {
      const out = redrawn(randomVariation(stream(seed, 'variation')))(sprite(seed), SIZE)
      for (let i = 0; i < out.length; i += 4)
        expect(Math.max(out[i]!, out[i + 1]!, out[i + 2]!)).toBeLessThanOrEqual(out[i + 3]!)
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
