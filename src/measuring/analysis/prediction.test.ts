import { expect, test } from 'vitest'
import { predictionOf } from './prediction.ts'

const models = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: `model ${i}`,
    score: i / count,
    figures: { follows: 2 * i + 1, against: -i, luck: (i * 5) % count, same: 1 },
  }))
const verdicts = (count: number) =>
  Object.fromEntries(predictionOf(models(count), { seed: 7 }).map((row) => [row.measure, row]))

test('a measure that ranks eight models as their scores do predicts them, in either direction', () => {
  const { follows, against, luck, same } = verdicts(8)
  expect(follows).toMatchObject({ verdict: 'predicts', correlation: { value: 1, high: 1 } })
  expect(against).toMatchObject({ verdict: 'predicts', correlation: { value: -1 } })
  expect(luck).toMatchObject({ verdict: 'cannot-be-told' })
  expect(same).toMatchObject({ verdict: 'cannot-be-told', correlation: null, p: null })
})

test('with four models nothing can be told, however well they are ranked', () => {
  expect(verdicts(4).follows).toMatchObject({ verdict: 'cannot-be-told', p: 2 / 24 })
})

test('of five models the chance of a perfect order either way is 2 in 120', () => {
  expect(verdicts(5).follows!.p).toBeCloseTo(2 / 120, 12)
})
