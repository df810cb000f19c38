import { describe, expect, test } from 'vitest'
import { tileMap } from '../llava-next/packing.ts'
import { parseLlavaOnevisionConfig } from './config.ts'
import { boundedSize, Packing, packMap } from './packing.ts'

const { grids, maxTiles } = parseLlavaOnevisionConfig({ model_type: 'llava_onevision' })

describe('a picture becomes the published number of tokens (specs/ar-vlms.md §11)', () => {
  test.each<[height: number, width: number, map: [number, number], scaled: [number, number], tokens: number]>(
    [
      [480, 640, [40, 54], [40, 54], 2929],
      [899, 1024, [71, 81], [71, 81], 6551],
      [336, 336, [27, 27], [27, 27], 1485],
      [1080, 1920, [75, 135], [60, 108], 7269],
      [100, 70, [27, 19], [27, 19], 1269],
      [70, 100, [19, 27], [19, 27], 1261],
      [2000, 300, [162, 25], [162, 25], 4941],
      [300, 2000, [25, 162], [25, 162], 4804],
      [3000, 4000, [121, 162], [70, 93], 7309],
    ],
  )('%i×%i', (height, width, size, scaled, tokens) => {
    const map = tileMap({ width, height }, { grids, tile: 384, side: 27 })
    expect([map.height, map.width]).toEqual(size)
    expect(boundedSize(map, maxTiles, 27)).toEqual(scaled)
    const packing = new Packing()
    packing.add(Array(729).keys())
    packMap(packing, map, scaled, -1)
    expect(packing.length).toBe(tokens)
  })
})

test('a map of its own size is taken as it is; a scaled one is mixed of four places, shares adding up to one', () => {
  const map = { height: 3, width: 3, rowAt: (y: number, x: number) => 10 + 3 * y + x }
  const same = new Packing()
  packMap(same, map, [3, 3], 99)
  const rows = [10, 11, 12, 99, 13, 14, 15, 99, 16, 17, 18, 99]
  expect([...(same.feeds().pack_index?.data.subarray(0, 12) ?? [])].map(Number)).toEqual(rows)
  expect([...(same.feeds().pack_share?.data ?? [])]).toEqual([...Array(12).fill(1), ...Array(36).fill(0)])

  const smaller = new Packing()
  packMap(smaller, map, [2, 2], 99)
  const { pack_index: index, pack_share: share } = smaller.feeds()
  expect(index?.dims).toEqual([4, 6])
  expect(share?.dims).toEqual([4, 6, 1])
  // Centres of a half-size map lie at 0.25 and 1.75 of three places.
  const first = [0, 1, 2, 3].map((source) => [
    Number(index?.data[source * 6]),
    Number(share?.data[source * 6]),
  ])
  expect(first).toEqual([
    [10, 0.5625],
    [11, 0.1875],
    [13, 0.1875],
    [14, 0.0625],
  ])
  for (let at = 0; at < 6; at++)
    expect([0, 1, 2, 3].reduce((sum, source) => sum + Number(share?.data[source * 6 + at]), 0)).toBe(1)
})

test('a column-less map gives newlines only', () => {
  const packing = new Packing()
  packMap(packing, { height: 2, width: 0, rowAt: () => 0 }, [2, 0], 7)
  expect([...(packing.feeds().pack_index?.data.subarray(0, 2) ?? [])].map(Number)).toEqual([7, 7])
})
