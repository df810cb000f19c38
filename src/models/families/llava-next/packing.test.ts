import { expect, test } from 'vitest'
import { parseLlavaNextConfig } from './config.ts'
import { packedRows, tileMap } from './packing.ts'

const { grids } = parseLlavaNextConfig({ model_type: 'llava_next' })

test.each<[height: number, width: number, tokens: number]>([
  [480, 640, 2340],
  [899, 1024, 2634],
  [336, 336, 1176],
  [1080, 1920, 1948],
  [100, 70, 984],
  [70, 100, 1416],
  [2000, 300, 1368],
  [300, 2000, 1306],
  [3000, 4000, 2340],
])(
  '%i×%i (height, width) becomes the published number of tokens (specs/ar-vlms.md §11)',
  (height, width, tokens) => {
    const rows = packedRows(tileMap({ width, height }, { grids, tile: 336, side: 24 }), 576, -1)
    expect(rows).toHaveLength(tokens)
    // No token twice, newlines apart.
    const kept = rows.filter((row) => row >= 0)
    expect(new Set(kept).size).toBe(kept.length)
  },
)

test('rows of the map run across tiles; the padding of a wide picture is cut from top and bottom', () => {
  // A grid of 2 × 1 tiles of 2 × 2 tokens: thumbnail 0–3, left tile 4–7, right tile 8–11.
  const at = { grids: [{ width: 4, height: 2 }], tile: 2, side: 2 }
  expect(packedRows(tileMap({ width: 40, height: 20 }, at), 4, 99)).toEqual([
    0, 1, 2, 3, 4, 5, 8, 9, 99, 6, 7, 10, 11, 99,
  ])
  const tall = { grids: [{ width: 2, height: 4 }], tile: 2, side: 2 }
  // No column is left of a picture that is much narrower than a token.
  expect(packedRows(tileMap({ width: 1, height: 80 }, tall), 4, 99)).toEqual([0, 1, 2, 3, 99, 99, 99, 99])
})
