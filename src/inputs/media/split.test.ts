import { describe, expect, test } from 'vitest'
import { longestEdge, splitViews, wholeTiles } from './split.ts'
import { splitProcessor } from './split-processor.ts'

/**
 * Published sizes (SmolVLM): 2048 along the longer edge, tiles of 512; height, width
 * (specs/ar-vlms.md §11).
 */
describe('a picture is enlarged, then squeezed to whole tiles', () => {
  test.each<[original: [number, number], first: [number, number], second: [number, number]]>([
    [
      [480, 640],
      [1536, 2048],
      [1536, 2048],
    ],
    [
      [899, 1024],
      [1798, 2048],
      [2048, 2048],
    ],
    [
      [224, 224],
      [2048, 2048],
      [2048, 2048],
    ],
    [
      [1080, 1920],
      [1152, 2048],
      [1536, 2048],
    ],
    [
      [100, 70],
      [2048, 1434],
      [2048, 1536],
    ],
    [
      [70, 100],
      [1434, 2048],
      [1536, 2048],
    ],
    [
      [2000, 300],
      [2048, 308],
      [2048, 512],
    ],
    [
      [300, 2000],
      [308, 2048],
      [512, 2048],
    ],
  ])('%j', ([height, width], first, second) => {
    const large = longestEdge({ width, height }, 2048)
    expect([large.height, large.width]).toEqual(first)
    const whole = wholeTiles(large, 512)
    expect([whole.height, whole.width]).toEqual(second)
  })

  test.each([
    ['the shorter edge is even and at least 1', { width: 100, height: 1 }, 50, { width: 50, height: 1 }],
    ['no edge is over 4096', { width: 300, height: 200 }, 8192, { width: 4096, height: 2731 }],
  ])('%s', (_, size, longest, expected) => {
    expect(longestEdge(size, longest)).toEqual(expected)
  })
})

/** Left half black, right half white. */
const halves = {
  width: 8,
  height: 4,
  data: Uint8Array.from({ length: 96 }, (_, i) => (Math.floor(i / 3) % 8 < 4 ? 0 : 255)),
}

test('tiles row by row, the whole last; one tile is one view', () => {
  const at = { longest: 8, tile: 4, filter: 'lanczos', split: true } as const
  const { rows, columns, views } = splitViews(halves, at)
  expect([rows, columns, views.length]).toEqual([1, 2, 3])
  expect([views[0]!.data[0], views[1]!.data[0]]).toEqual([0, 255])
  expect(views[2]).toMatchObject({ width: 4, height: 4 })
  expect(splitViews(halves, { ...at, longest: 4 })).toMatchObject({
    rows: 0,
    columns: 0,
    views: [{ width: 4, height: 4 }],
  })
  expect(splitViews(halves, { ...at, split: false })).toMatchObject({
    rows: 0,
    views: [{ width: 4, height: 4 }],
  })
})

describe('a processor file', () => {
  test('may leave out everything', () => {
    const { tile, split } = splitProcessor({})
    expect(tile).toBe(364)
    // 1456 × 728 pixels: 4 × 2 tiles and the whole.
    const { rows, columns, views } = split(halves)
    expect([rows, columns, views.length]).toEqual([2, 4, 9])
    expect([views[0]!.data[0], views[3]!.data.at(-1)]).toEqual([-1, 1])
  })

  test.each([
    [{ size: { height: 8, width: 8 } }, /size.longest_edge/],
    [{ max_image_size: 5 }, /max_image_size/],
    [{ resample: 0 }, /resample/],
    ['text', /preprocessor_config/],
  ])('%j is refused', (config, reason) => {
    expect(() => splitProcessor(config)).toThrow(reason)
  })
})
