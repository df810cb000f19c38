import { expect, test } from 'vitest'
import { blockFeeds, blockNoise } from './block-diffusion.ts'
import { IGNORED } from './masked-diffusion.ts'

const rows = [
  { inputIds: [1, 2, 3, 4, 5], labels: [IGNORED, 2, 3, 4, 5] },
  { inputIds: [6, 7], labels: [IGNORED, 7] },
]
const draws = (token: number) => ({
  block: new Array<number>(6).fill(0.5),
  token: new Array<number>(12).fill(token),
})

test('rows are filled to a border, as token and as target, and padded to the longest', () => {
  const batch = blockNoise(rows, draws(0), { block: 2, maskId: 0, fillId: 9 })
  expect(batch.lengths).toEqual([6, 2])
  expect(batch.labels).toEqual([
    [IGNORED, 2, 3, 4, 5, 9],
    [IGNORED, 7, IGNORED, IGNORED, IGNORED, IGNORED],
  ])
  expect(batch.inputIds[0]).toEqual([1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 9])
  expect(batch.targets).toEqual([2, 3, 4, 5, 9, 7])
})

test('degrees rise evenly over the blocks of a batch, from the least share on', () => {
  const { t } = blockNoise(rows, draws(0), { block: 2, maskId: 0, fillId: 9 })
  const expected = [0, 1, 2, 3, 4, 5].map((k) => ((k + 0.5) / 6) * 0.999 + 0.001)
  expect(t.flat()).toBeAllClose(expected, { atol: 1e-7 })
  const apart = blockNoise(rows, draws(0), { block: 2, maskId: 0, fillId: 9, antithetic: false })
  expect(apart.t.flat()).toBeAllClose(new Array(6).fill(0.5005), { atol: 1e-7 })
})

test('a target counts by its degree and by the targets of its row', () => {
  const { masked, t, weights } = blockNoise(rows, draws(0.3), { block: 2, maskId: 0, fillId: 9 })
  // Degrees of the first row: 0.084, 0.25, 0.42.
  expect(masked).toEqual([[4, 5], [1]])
  expect(weights).toBeAllClose([1 / (t[0]![2]! * 5 * 2), 1 / (t[0]![2]! * 5 * 2), 1 / (t[1]![0]! * 2)])
})

test('a batch without a masked target is refused', () => {
  expect(() => blockNoise(rows, draws(1), { block: 2, maskId: 0, fillId: 9 })).toThrow(/no.*masked target/)
})

test('noisy positions see their own block and clean ones before it, clean ones what is clean', () => {
  const { block_mask: mask, position_ids: positions } = blockFeeds({ length: 4, lengths: [4, 3] }, 2)
  expect(positions.dims).toEqual([1, 2, 8])
  expect([...positions.data].slice(0, 8).map(Number)).toEqual([0, 1, 2, 3, 0, 1, 2, 3])
  const seen = (row: number, i: number) =>
    [...mask.data]
      .slice((row * 8 + i) * 8, (row * 8 + i + 1) * 8)
      .flatMap((score, j) => (score === 0 ? [j] : []))
  expect(seen(0, 1)).toEqual([0, 1])
  expect(seen(0, 2)).toEqual([2, 3, 4, 5])
  expect(seen(0, 5)).toEqual([4, 5])
  expect(seen(0, 6)).toEqual([4, 5, 6, 7])
  // The last place of the second row is padding.
  expect(seen(1, 2)).toEqual([2, 4, 5])
  expect(seen(1, 6)).toEqual([4, 5, 6])
})
