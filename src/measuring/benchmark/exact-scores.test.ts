import { describe, expect, test } from 'vitest'
import { dot, l2NormaliseRows } from '../../foundation/numeric/linear.ts'
import { below, fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { keyed } from '../../inputs/data/item.ts'
import type { Row, Task } from '../../inputs/data/task.ts'
import { evaluateTask } from './evaluate.ts'
import { exactScores, settled } from './exact-scores.ts'

/** Large enough for the engine: 300 queries × 300 candidates × 4096. */
const [QUERIES, LENGTH, DIM, POOL] = [300, 300, 4096, 400]

/** Every third vector is a copy of the one before, every fifth differs from it in a last bit. */
const vectors = l2NormaliseRows(
  f32([POOL, DIM], fillNormal(new Float32Array(POOL * DIM), 1, stream(1, 'vectors'))),
)
for (let row = 1; row < POOL; row++) {
  const before = vectors.data.slice((row - 1) * DIM, row * DIM)
  if (row % 3 === 0) vectors.data.set(before, row * DIM)
  else if (row % 5 === 0) {
    before[7] = before[7]! * (1 + 2 ** -23)
    vectors.data.set(before, row * DIM)
  }
}
const items = Array.from({ length: POOL }, (_, i) => keyed({ text: `item ${i}` }))
const places = new Map(items.map(({ key }, i) => [key, i]))
const vectorOf = (key: string) => {
  const row = places.get(key)!
  return vectors.data.subarray(row * DIM, (row + 1) * DIM)
}
const draw = stream(2, 'rows')
const rows = Array.from({ length: QUERIES }, (_, i): Row => {
  const positive = below(LENGTH, draw)
  return {
    id: `${i}`,
    cluster: `${i}`,
    query: items[below(POOL, draw)]!,
    candidates: Array.from({ length: LENGTH }, () => items[below(POOL, draw)]!),
    positive,
    hardIndex: below(LENGTH, draw),
  }
})
const task = (test: readonly Row[]): Task => ({
  name: 'large',
  metaTask: 'retrieval',
  domain: 'in',
  shift: 'in',
  reason: 'made',
  chance: 1 / LENGTH,
  train: [],
  dev: [],
  test,
})

describe('a task that the engine multiplies', () => {
  test('has the scores of rows computed one by one, to the bit', async () => {
    const [large, single] = [await evaluateTask(task(rows), vectorOf), await evaluateTask(task([]), vectorOf)]
    expect(single.rows).toEqual([])
    for (const [i, row] of rows.slice(0, 60).entries()) {
      const [alone] = (await evaluateTask(task([row]), vectorOf)).rows
      expect(large.rows[i]).toEqual(alone)
    }
  })

  test('threads change nothing', async () => {
    const one = await evaluateTask(task(rows), vectorOf, 'test', { threads: 1 })
    expect(one).toEqual(await evaluateTask(task(rows), vectorOf, 'test', { threads: 2 }))
  })

  test('leaves most scores to the engine', async () => {
    let [same, all] = [0, 0]
    for await (const { row, scores } of exactScores(rows, vectorOf, {})) {
      const query = vectorOf(row.query.key)
      for (const [i, { key }] of row.candidates.slice(0, 20).entries()) {
        all += 1
        if (scores[i] === dot(query, vectorOf(key))) same += 1
      }
    }
    expect(same / all).toBeLessThan(0.2)
  })

  test('a signal ends it', async () => {
    const signal = AbortSignal.abort()
    await expect(evaluateTask(task(rows), vectorOf, 'test', { signal })).rejects.toMatchObject({
      code: 'interrupted',
    })
  })
})

test('settled: rough scores never change a comparison with a right candidate or the best', () => {
  const random = stream(3, 'settled')
  const bound = 0.01
  for (let round = 0; round < 300; round++) {
    const exact = Array.from({ length: 30 }, () => Math.round(random() * 40) / 40)
    const rough = Float32Array.from(exact, (score) => score + 0.99 * bound * (2 * random() - 1))
    const positives = [below(30, random), below(30, random)]
    const scores = settled(rough, { positive: positives[0]!, positives }, (i) => exact[i]!, bound)
    for (const right of positives)
      for (let i = 0; i < 30; i++)
        expect(Math.sign(scores[i]! - scores[right]!)).toBe(Math.sign(exact[i]! - exact[right]!))
    expect(scores.indexOf(Math.max(...scores))).toBe(exact.indexOf(Math.max(...exact)))
  }
})
