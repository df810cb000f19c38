import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gram, l2NormaliseRows } from '../../foundation/numeric/linear.ts'
import { below, fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { Similarity, vectorList } from './similarity.ts'

const DIM = 24
const random = (rows: number, key: string) =>
  l2NormaliseRows(f32([rows, DIM], fillNormal(new Float32Array(rows * DIM), 1, stream(2, key))))
const queries = random(37, 'queries')
const pool = random(211, 'pool')

let similarity: Similarity
/** In blocks of a few queries and candidates. */
let narrow: Similarity
beforeAll(async () => {
  similarity = await Similarity.open(DIM)
  narrow = await Similarity.open(DIM, { blockBytes: 16 * DIM * 9 })
})
afterAll(async () => {
  await similarity.close()
  await narrow.close()
})

/** Columns by falling score, by a sort. */
function sorted(scores: Tensor<'f32'>, k: number, left: (row: number, column: number) => boolean) {
  const [rows, columns] = [scores.dims[0]!, scores.dims[1]!]
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => column)
      .filter((column) => !left(row, column))
      .sort((a, b) => scores.data[row * columns + b]! - scores.data[row * columns + a]!)
      .slice(0, k),
  )
}

const rowsOf = (columns: Int32Array, k: number) =>
  Array.from({ length: columns.length / k }, (_, row) => Array.from(columns.subarray(row * k, (row + 1) * k)))

describe('nearest', () => {
  test.each([
    ['one block', () => similarity],
    ['many blocks', () => narrow],
  ])('%s: equals a sort of all products', async (_, which) => {
    const { columns, scores } = await which().nearest(vectorList(queries), vectorList(pool), { k: 10 })
    const all = gram(queries, pool)
    expect(rowsOf(columns, 10)).toEqual(sorted(all, 10, () => false))
    const expected = Array.from(columns, (column, at) => all.data[Math.floor(at / 10) * 211 + column]!)
    expect(Array.from(scores)).toBeAllClose(expected, { atol: 1e-6 })
  })

  test('candidates that are excluded for a query are skipped for this query', async () => {
    const left = (row: number, column: number) => (row + column) % 3 === 0
    const excluded = (row: number) => Array.from({ length: 211 }, (_, i) => i).filter((i) => left(row, i))
    const { columns } = await narrow.nearest(vectorList(queries), vectorList(pool), { k: 7, excluded })
    expect(rowsOf(columns, 7)).toEqual(sorted(gram(queries, pool), 7, left))
  })

  test('copies of a candidate come in the order of the list, whatever the blocks', async () => {
    const copies = f32([60, DIM], new Float32Array(60 * DIM))
    for (let row = 0; row < 60; row++) copies.data.set(pool.data.subarray(0, DIM), row * DIM)
    for (const which of [similarity, narrow]) {
      const { columns } = await which.nearest(vectorList(queries), vectorList(copies), { k: 5 })
      for (const row of rowsOf(columns, 5)) expect(row).toEqual([0, 1, 2, 3, 4])
    }
  })

  test('more than there are: −1 and −∞ fill the rest only where candidates are excluded', async () => {
    const few = vectorList(f32([3, DIM], pool.data.subarray(0, 3 * DIM)))
    const made = await similarity.nearest(vectorList(queries), few, { k: 9, excluded: () => [1] })
    expect(made.columns.length).toBe(37 * 3)
    expect(made.columns[2]).toBe(-1)
    expect(made.scores[2]).toBe(Number.NEGATIVE_INFINITY)
  })

  test('progress rises to 1', async () => {
    const shares: number[] = []
    await narrow.nearest(vectorList(queries), vectorList(pool), { k: 1, onProgress: (at) => shares.push(at) })
    expect(shares.length).toBeGreaterThan(10)
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
    expect(shares.at(-1)).toBe(1)
  })

  test('vectors of another width', async () => {
    const other = vectorList(f32([1, 2], [1, 0]))
    await expect(similarity.nearest(other, vectorList(pool), { k: 1 })).rejects.toMatchObject({
      code: 'embedder/dims',
    })
  })

  test('a signal ends it', async () => {
    const signal = AbortSignal.abort()
    await expect(
      similarity.nearest(vectorList(queries), vectorList(pool), { k: 1, signal }),
    ).rejects.toMatchObject({ code: 'interrupted' })
  })
})

describe('own candidates', () => {
  const draw = stream(4, 'lists')
  const shared = Array.from({ length: 37 }, (_, i) => Array.from({ length: i }, () => below(211, draw)))
  const short = shared.map((list) => list.slice(0, 3))
  test.each([
    ['lists that share candidates', shared, () => similarity],
    ['the same in many blocks', shared, () => narrow],
    ['short lists of a large pool', short, () => similarity],
    ['the same one by one', short, () => narrow],
  ])('%s: as products one by one', async (_, lists, which) => {
    const made = await which().own(queries, pool, lists)
    const all = gram(queries, pool)
    expect(made.map(({ length }) => length)).toEqual(lists.map(({ length }) => length))
    for (const [row, list] of lists.entries())
      expect(Array.from(made[row]!)).toBeAllClose(
        list.map((column) => all.data[row * 211 + column]!),
        { atol: 1e-6 },
      )
  })
})
