import { describe, expect, test } from 'vitest'
import { towerFeeds, windowsOf } from './geometry.ts'
import { blockAxes, countedImages, interleavedAxes, multiAxisPositions } from './positions.ts'

describe('positions', () => {
  test('three words, a picture of 2 × 3 tokens, two words (specs/ar-vlms.md §3.5)', () => {
    expect(multiAxisPositions(11, [{ start: 3, grid: { rows: 2, columns: 3 } }])).toEqual([
      [0, 1, 2, 3, 3, 3, 3, 3, 3, 6, 7],
      [0, 1, 2, 3, 3, 3, 4, 4, 4, 6, 7],
      [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7],
    ])
  })

  test('a second picture goes on after the first; one that is cut ends with the sequence', () => {
    const grid = { rows: 2, columns: 1 }
    const images = [
      { start: 0, grid },
      { start: 3, grid },
    ]
    expect(multiAxisPositions(4, images)).toEqual([
      [0, 0, 2, 3],
      [0, 1, 2, 3],
      [0, 0, 2, 3],
    ])
  })

  test.each<[what: string, ids: number[], count: number]>([
    ['start and placeholder', [1, 7, 9, 9, 8], 1],
    ['a placeholder alone', [9, 9, 8], 0],
    ['one of two with a start', [9, 9, 1, 7, 9, 9, 8], 1],
    ['a start before a word', [7, 1, 9], 0],
    ['a start at the end', [9, 7], 0],
  ])('pictures that transformers 4 counts: %s', (_, ids, count) => {
    expect(countedImages(ids, { startId: 7, imageId: 9 })).toBe(count)
  })

  test('frequencies read their axes in blocks, or in turn', () => {
    expect(blockAxes([1, 2, 1])).toEqual([0, 1, 1, 2])
    expect(interleavedAxes([4, 2, 2], 8)).toEqual([0, 1, 2, 0, 1, 2, 0, 0])
    const axes = interleavedAxes([24, 20, 20], 64)
    expect([0, 1, 2].map((axis) => axes.filter((each) => each === axis).length)).toEqual([24, 20, 20])
    expect(axes.slice(58)).toEqual([1, 2, 0, 0, 0, 0])
  })
})

const tower = {
  hidden: 32,
  inner: 64,
  layers: 2,
  heads: 4,
  activation: 'silu',
  channels: 3,
  patch: 14,
  frames: 2,
  deepstack: [],
} as const

describe('geometry', () => {
  test('patches of a 4 × 4 grid come block by block (specs/ar-vlms.md §3.4)', () => {
    const feeds = towerFeeds({ ...tower, merge: 2 }, [{ rows: 2, columns: 2 }])
    expect(Array.from(feeds.patch_rows!.data, Number)).toEqual([
      0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3,
    ])
    expect(Array.from(feeds.patch_columns!.data, Number)).toEqual([
      0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3,
    ])
  })

  test('windows of 6 × 10 cells (specs/ar-vlms.md §4.3)', () => {
    const windows = windowsOf({ rows: 6, columns: 10 }, 4)
    expect(windows.flat().join()).toBe(
      '0,1,2,3,10,11,12,13,20,21,22,23,30,31,32,33,4,5,6,7,14,15,16,17,24,25,26,27,34,35,36,37,8,9,18,19,28,29,38,39,40,41,42,43,50,51,52,53,44,45,46,47,54,55,56,57,48,49,58,59',
    )
    let end = 0
    expect(windows.map((cells) => (end += cells.length * 4))).toEqual([64, 128, 160, 192, 224, 240])
  })

  test('several pictures: windows never span two, and every cell comes back to its place', () => {
    const feeds = towerFeeds({ ...tower, merge: 2, window: { cells: 2, fullLayers: [] } }, [
      { rows: 1, columns: 3 },
      { rows: 2, columns: 2 },
    ])
    const [order, places] = [
      Array.from(feeds.cell_order!.data, Number),
      Array.from(feeds.cell_places!.data, Number),
    ]
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(places.map((place) => order[place])).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(feeds.window_patches!.dims).toEqual([3, 16])
    expect(feeds.picture_patches!.dims).toEqual([2, 16])
    expect(Array.from(feeds.picture_patches!.data.slice(8, 16), Number)).toEqual([
      8, 9, 10, 11, -1, -1, -1, -1,
    ])
  })

  test('learned positions: corners are the corners, weights add up to 1', () => {
    const feeds = towerFeeds({ ...tower, merge: 2, positionSide: 6 }, [{ rows: 2, columns: 4 }])
    const weights = Array.from(feeds.table_weights!.data, Number)
    const index = Array.from(feeds.table_index!.data, Number)
    expect(index.slice(0, 4)).toEqual([0, 1, 6, 7])
    expect(weights.slice(0, 4)).toEqual([1, 0, 0, 0])
    expect(index.slice(-4)).toEqual([35, 35, 35, 35])
    for (let i = 0; i < weights.length; i += 4)
      expect(weights.slice(i, i + 4).reduce((a, b) => a + b)).toBeCloseTo(1, 6)
  })
})
