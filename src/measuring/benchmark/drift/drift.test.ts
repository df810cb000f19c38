import { describe, expect, test } from 'vitest'
import { l2NormaliseRows } from '../../../foundation/numeric/linear.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import type { VectorSet } from '../../../models/embedder/vectors/reading/set.ts'
import { measureDrift } from './drift.ts'

const [ROWS, DIM] = [60, 16]
const normal = (key: string, scale = 1) =>
  fillNormal(new Float32Array(ROWS * DIM), scale, stream(1, key)) as Float32Array
const base = l2NormaliseRows(f32([ROWS, DIM], normal('base')))

/** The base vectors, changed, with ids unless they are left out. */
function set(change: (value: number, row: number, at: number) => number, { ids = true } = {}): VectorSet {
  return {
    path: 'set',
    vectors: f32(
      [ROWS, DIM],
      base.data.map((value, at) => change(value, Math.floor(at / DIM), at)),
    ),
    indices: Array.from({ length: ROWS }, (_, row) => row),
    ...(ids && { ids: Array.from({ length: ROWS }, (_, row) => `id ${row}`) }),
    skipped: 0,
  }
}
const same = set((value) => value)

/** The same set with its rows in another order. */
function reversed({ vectors, ids = [], ...rest }: VectorSet): VectorSet {
  const rows = Array.from({ length: ROWS }, (_, row) =>
    Array.from(vectors.data.subarray(row * DIM, (row + 1) * DIM)),
  )
  return { ...rest, vectors: f32([ROWS, DIM], rows.reverse().flat()), ids: ids.toReversed() }
}

describe('equal sets', () => {
  test('no drift: cosine 1 exactly, all neighbours kept, nothing listed', async () => {
    const drift = await measureDrift(same, same)
    expect(drift).toMatchObject({ items: ROWS, identical: ROWS, worst: [], matchedBy: 'id' })
    expect(drift.cosine).toEqual({ least: 1, p5: 1, median: 1, mean: 1 })
    expect(drift.neighbours).toMatchObject({
      kept: { value: 1, low: 1, high: 1 },
      nearestKept: 1,
      medianRank: 1,
      moved: [],
    })
  })

  test('in another order: matched by id', async () => {
    expect(await measureDrift(same, reversed(same))).toMatchObject({ identical: ROWS })
  })

  test('scaled: other bits, the same directions and neighbours', async () => {
    const drift = await measureDrift(
      same,
      set((value) => 3 * value),
    )
    expect(drift.identical).toBe(0)
    expect(drift.cosine.least).toBeGreaterThan(1 - 1e-7)
    expect(drift.neighbours?.kept.value).toBe(1)
  })
})

describe('sets that drifted', () => {
  test('one item turned around is the worst, and its neighbours are lost', async () => {
    const drift = await measureDrift(
      same,
      set((value, row) => (row === 17 ? -value : value)),
      { k: 3 },
    )
    expect(drift).toMatchObject({ identical: ROWS - 1, worst: [{ id: 'id 17' }] })
    expect(drift.worst[0]!.cosine).toBeCloseTo(-1, 6)
    expect(drift.cosine.median).toBe(1)
    expect(drift.neighbours!.moved.map(({ id }) => id)).toContain('id 17')
    expect(drift.neighbours!.kept.value).toBeLessThan(1)
  })

  test('vectors that have nothing in common keep neighbours by chance alone', async () => {
    const other = { ...same, vectors: f32([ROWS, DIM], normal('other')) }
    const { neighbours, cosine } = await measureDrift(same, other, { k: 6 })
    expect(Math.abs(cosine.mean)).toBeLessThan(0.15)
    // 6 of 59 others.
    expect(neighbours!.kept.low).toBeLessThan(6 / 59)
    expect(neighbours!.kept.high).toBeLessThan(0.25)
    expect(neighbours!.medianRank).toBeGreaterThan(10)
  })

  test('the neighbour’s new place is told exactly', async () => {
    // On a circle: the nearest of 0 is 1; then 1 moves behind 2 and 3.
    const at = (angles: number[]): VectorSet => ({
      path: 'circle',
      vectors: f32(
        [angles.length, 2],
        angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]),
      ),
      indices: angles.map((_, row) => row),
      skipped: 0,
    })
    const drift = await measureDrift(at([0, 0.1, 0.3, 0.5, 3]), at([0, 0.7, 0.3, 0.5, 3]), { k: 1 })
    expect(drift.matchedBy).toBe('place')
    expect(drift.neighbours!.moved[0]).toEqual({ id: 'item 0', neighbour: 'item 1', rank: 3 })
  })

  test('neighbours of a sample: the seed decides which', async () => {
    const moved = set((value, _, at) => value + 0.3 * normal('noise')[at]!)
    const of = async (seed: number) => (await measureDrift(same, moved, { sample: 20, seed })).neighbours!
    const [first, again, other] = [await of(1), await of(1), await of(2)]
    expect(first).toEqual(again)
    expect(first.sampled).toBe(20)
    expect(other.moved).not.toEqual(first.moved)
  })
})

describe('refused', () => {
  const shorter: VectorSet = {
    ...same,
    vectors: f32([ROWS - 1, DIM], same.vectors.data.slice(DIM)),
    indices: same.indices.slice(1),
    ids: same.ids!.slice(1),
  }

  test('other items, unless the common ones are asked for', async () => {
    await expect(measureDrift(same, shorter)).rejects.toMatchObject({
      code: 'benchmark/other-items',
      message: expect.stringContaining('id 0'),
    })
    expect(await measureDrift(same, shorter, { common: true })).toMatchObject({
      items: ROWS - 1,
      only: { a: 1, b: 0 },
      identical: ROWS - 1,
    })
  })

  test('no common item at all; other widths; a vector of zeros', async () => {
    const strangers = { ...same, ids: same.ids!.map((id) => `other ${id}`) }
    await expect(measureDrift(same, strangers, { common: true })).rejects.toMatchObject({
      code: 'benchmark/other-items',
    })
    const narrow = { ...same, vectors: f32([ROWS, DIM / 2], same.vectors.data.slice(0, (ROWS * DIM) / 2)) }
    await expect(measureDrift(same, narrow)).rejects.toMatchObject({ code: 'benchmark/other-dims' })
    await expect(
      measureDrift(
        same,
        set((value, row) => (row === 3 ? 0 : value)),
      ),
    ).rejects.toMatchObject({
      code: 'benchmark/zero-vector',
    })
  })
})
