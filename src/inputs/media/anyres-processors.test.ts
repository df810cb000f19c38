import { describe, expect, test } from 'vitest'
import { llavaNextProcessor, llavaOnevisionProcessor } from './anyres-processors.ts'

const grids = [{ width: 8, height: 4 }]
const white = { width: 6, height: 3, data: new Uint8Array(54).fill(255) }
const next = { size: { shortest_edge: 4 }, crop_size: { height: 4, width: 4 } }

test('LLaVA-NeXT: thumbnail and tiles by the grids of config.json, unless the file has its own (height, width)', () => {
  expect(
    llavaNextProcessor(next, grids)
      .tiled(white)
      .map(({ dims }) => dims.join()),
  ).toEqual(['3,4,4', '3,4,4', '3,4,4'])
  expect(llavaNextProcessor({ ...next, image_grid_pinpoints: [[12, 4]] }, grids).grids).toEqual([
    { width: 4, height: 12 },
  ])
})

describe('LLaVA-OneVision', () => {
  const file = { size: { height: 4, width: 4 } }

  test('the levels are CLIP’s where the file has none', () => {
    const [view] = llavaOnevisionProcessor(file, grids).tiled(white)
    expect(view?.data[0]).toBeCloseTo((1 - 0.48145466) / 0.26862954, 5)
  })

  test('a picture among several is padded to a square with the mean colour', () => {
    const view = llavaOnevisionProcessor(
      { size: { height: 6, width: 6 }, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] },
      grids,
    ).whole(white)
    expect(view.dims).toEqual([3, 6, 6])
    // One row above, two below: level 127 of 255.
    const column = [0, 1, 2, 3, 4, 5].map((y) => view.data[y * 6]!)
    expect(column.map((level) => level.toFixed(3))).toEqual([
      '-0.004',
      '1.000',
      '1.000',
      '1.000',
      '-0.004',
      '-0.004',
    ])
  })
})

test.each([
  ['crop_size', () => llavaNextProcessor({ size: { shortest_edge: 4 } }, grids)],
  ['size', () => llavaOnevisionProcessor({ size: { height: 4, width: 8 } }, grids)],
  ['image_grid_pinpoints', () => llavaNextProcessor({ ...next, image_grid_pinpoints: [[4]] }, grids)],
])('a bad %s is named', (key, make) => {
  expect(make).toThrow(
    expect.objectContaining({ code: 'media/processor-config', message: expect.stringContaining(key) }),
  )
})
