import { describe, expect, test } from 'vitest'
import { centreCrop } from './crop.ts'
import type { RgbImage } from './image.ts'
import { padTo, padToSquare } from './pad.ts'
import { tiles } from './tile.ts'

/** One level a pixel, the same in the three channels. */
function picture(...rows: number[][]): RgbImage {
  return {
    width: rows[0]!.length,
    height: rows.length,
    data: Uint8Array.from(rows.flat().flatMap((level) => [level, level, level])),
  }
}

describe('centreCrop', () => {
  const five = [1, 2, 3, 4, 5]
  test.each<[string, number[], number, number[]]>([
    ['an odd pixel is cut at the end', five, 2, [2, 3]],
    ['an even rest is cut evenly', five, 3, [2, 3, 4]],
    ['an odd pixel is padded at the start', five, 6, [0, 1, 2, 3, 4, 5]],
    ['black on both sides', five, 9, [0, 0, 1, 2, 3, 4, 5, 0, 0]],
    ['the same size', five, 5, five],
  ])('%s', (_, row, side, expected) => {
    expect(centreCrop(picture(row), { width: side, height: 1 })).toEqual(picture(expected))
    const column = picture(...row.map((level) => [level]))
    expect(centreCrop(column, { width: 1, height: side })).toEqual(
      picture(...expected.map((level) => [level])),
    )
  })

  test('cuts one side and pads the other', () => {
    expect(centreCrop(picture(five), { width: 3, height: 2 })).toEqual(picture([0, 0, 0], [2, 3, 4]))
  })
})

describe('padTo', () => {
  test('the middle, an odd pixel left at the end', () => {
    expect(padTo(picture([7, 8]), { width: 5, height: 2 }, [1, 1, 1])).toEqual(
      picture([1, 7, 8, 1, 1], [1, 1, 1, 1, 1]),
    )
  })

  test('every channel has its own colour', () => {
    expect(Array.from(padTo(picture([9]), { width: 2, height: 1 }, [122, 116, 104]).data)).toEqual([
      9, 9, 9, 122, 116, 104,
    ])
  })

  test('a picture wholly outside leaves the canvas as it is', () => {
    expect(padTo(picture([9]), { width: 2, height: 1 }, [3, 3, 3], { left: 4, top: 0 })).toEqual(
      picture([3, 3]),
    )
  })

  test('to a square', () => {
    expect(padToSquare(picture([7], [8], [9]), [1, 1, 1])).toEqual(picture([1, 7, 1], [1, 8, 1], [1, 9, 1]))
  })
})

describe('tiles', () => {
  const image = picture([1, 2, 3, 4], [5, 6, 7, 8])
  test('row by row', () => {
    expect(tiles(image, { width: 2, height: 1 })).toEqual([
      picture([1, 2]),
      picture([3, 4]),
      picture([5, 6]),
      picture([7, 8]),
    ])
  })

  test('must fill the picture', () => {
    expect(() => tiles(image, { width: 3, height: 1 })).toThrowError(
      expect.objectContaining({ code: 'media/tiles' }),
    )
  })
})
