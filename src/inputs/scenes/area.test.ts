import { describe, expect, test } from 'vitest'
import { premultiply, resizeByArea, rmsDifference, thumbnail } from './area.ts'

/** A picture of `side` with one value in all channels, by pixel. */
const picture = (side: number, value: (x: number, y: number) => number) =>
  Uint8Array.from({ length: side * side * 4 }, (_, i) => value((i >> 2) % side, Math.floor((i >> 2) / side)))

describe('area average', () => {
  test('keeps a flat picture', () => {
    for (const to of [24, 48, 72])
      expect(
        resizeByArea(
          picture(64, () => 93),
          64,
          to,
        ).every((value) => value === 93),
      ).toBe(true)
  })

  test('halves by means of two by two', () => {
    const half = resizeByArea(
      picture(4, (x) => x * 10),
      4,
      2,
    )
    expect([half[0], half[4]]).toEqual([5, 25])
  })

  test('weights pixels that straddle a border by their share', () => {
    // 3 → 2: the middle pixel counts half on each side: (0 + 0.5·90) / 1.5 and (0.5·90 + 180) /
    // 1.5.
    const out = resizeByArea(
      picture(3, (x) => x * 90),
      3,
      2,
    )
    expect([out[0], out[4]]).toEqual([30, 150])
  })

  test('transparent pixels leave no fringe', () => {
    const red = [255, 0, 0, 255]
    const clear = [0, 255, 0, 0]
    const small = resizeByArea(premultiply(Uint8Array.from([...red, ...clear, ...red, ...clear])), 2, 1)
    expect([...small]).toEqual([128, 0, 0, 128])
  })

  test('thumbnails lie over white and differ by the root mean square', () => {
    const clear = thumbnail(new Uint8Array(64 * 64 * 4), 64)
    const black = thumbnail(
      picture(64, () => 0).map((_, i) => (i % 4 === 3 ? 255 : 0)),
      64,
    )
    expect(clear.every((value) => value === 1)).toBe(true)
    expect(rmsDifference(clear, black)).toBeCloseTo(1, 6)
    expect(rmsDifference(clear, black, 0.5)).toBe(Number.POSITIVE_INFINITY)
  })
})
