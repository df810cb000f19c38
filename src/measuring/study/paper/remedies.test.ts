import { expect, test } from 'vitest'
import { type Random, stream } from '../../../foundation/numeric/random.ts'
import { type KeyedItem, keyed } from '../../../inputs/data/item.ts'
import type { Task } from '../../../inputs/data/task.ts'
import type { SeenState } from '../state.ts'
import { valuesOf } from './record.ts'
import { fittingPairs, remedyHits } from './remedies.ts'

const DIM = 6
const picture = (name: string) =>
  keyed({ image: { key: name, read: () => ({ width: 1, height: 1, data: new Uint8Array(3) }) } })
const meanings = Array.from({ length: 120 }, (_, i) => `thing ${i}`)
const normal = (random: Random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
/** A direction for each meaning. */
const vectorOf = (meaning: string) => {
  const random = stream(1, meaning)
  return Array.from({ length: DIM }, () => normal(random))
}
const pair = (meaning: string) => ({
  query: picture(meaning),
  target: keyed({ text: meaning }),
  negatives: [],
})
const task = (meaningsOf: readonly string[]): Task => ({
  name: 'name it',
  metaTask: 'classification',
  domain: 'in',
  shift: 'in',
  reason: '',
  chance: 0.1,
  train: [],
  dev: [],
  test: meaningsOf.map((meaning, i) => ({
    id: String(i),
    query: picture(meaning),
    candidates: meaningsOf.map((text) => keyed({ text })),
    positive: i,
    cluster: meaning,
  })),
})

/** Images as `shown` places them, texts at their meaning. Counts the items that are asked for. */
function seen(shown: (vector: number[]) => number[], asked: KeyedItem[] = []): SeenState {
  const of = (item: KeyedItem) => {
    const [image] = item.image ?? []
    const vector = image === undefined ? vectorOf(item.text!) : shown(vectorOf(image.key))
    const length = Math.hypot(...vector)
    return Float32Array.from(vector, (value) => value / length)
  }
  return {
    name: 'untuned',
    readout: 'mean',
    layers: [],
    vectors: async (items) => {
      asked.push(...items)
      const known = new Map(items.map((item) => [item.key, of(item)]))
      return { of: () => (key) => known.get(key)!, resumed: 0, skipped: [] }
    },
  }
}

const training = [{ name: 'a', weight: 1, pairs: meanings.slice(0, 80).map(pair) }]
const tested = [task(meanings.slice(80, 110))]
const hit1 = (hits: Awaited<ReturnType<typeof remedyHits>>, remedy: string) => {
  const values = valuesOf(hits[remedy]!['name it']!)
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

test('images with two axes exchanged: the linear map recovers them, centring does not', async () => {
  const exchanged = ([a = 0, b = 0, ...rest]: number[]) => [b, -a, ...rest.map((value) => -value)]
  const hits = await remedyHits(seen(exchanged), { tasks: tested, training }, { threads: 1 })
  expect(Object.keys(hits)).toEqual(['centred', 'whitened', 'linear'])
  expect(hit1(hits, 'linear')).toBeGreaterThan(0.9)
  expect(hit1(hits, 'centred')).toBeLessThan(0.3)
})

test('remedies are fitted to training pairs alone', async () => {
  const asked: KeyedItem[] = []
  await remedyHits(
    seen((vector) => vector, asked),
    { tasks: tested, training },
    { threads: 1 },
  )
  const keys = new Set(training[0]!.pairs.flatMap(({ query, target }) => [query.key, target.key]))
  // First the pairs to fit, then the test items.
  expect(asked.slice(0, 160).every(({ key }) => keys.has(key))).toBe(true)
  expect(asked.slice(160).some(({ key }) => keys.has(key))).toBe(false)
})

test('fitted pairs have a picture on one side, and every task gives as many', () => {
  const turned = meanings.map((meaning) => {
    const { query, target } = pair(meaning)
    return { query: target, target: query, negatives: [] }
  })
  const both = meanings.map((meaning) => ({ ...pair(meaning), target: picture(`${meaning} too`) }))
  const found = fittingPairs([
    { name: 'i2t', weight: 1, pairs: Array.from({ length: 5 }, () => meanings.map(pair)).flat() },
    { name: 't2i', weight: 1, pairs: Array.from({ length: 5 }, () => turned).flat() },
    { name: 'i2i', weight: 1, pairs: both },
  ])
  expect(found).toHaveLength(600)
  expect(found.every(({ image, text }) => image.image !== undefined && text.image === undefined)).toBe(true)
})

test('too few training pairs fit nothing', async () => {
  const few = [{ name: 'a', weight: 1, pairs: meanings.slice(0, 15).map(pair) }]
  expect(
    await remedyHits(
      seen((vector) => vector),
      { tasks: tested, training: few },
      {},
    ),
  ).toEqual({})
})
