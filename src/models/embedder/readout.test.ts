import { describe, expect, test } from 'vitest'
import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { pool, poolWeights, poolWeightsFeed, weightsOf } from './readout.ts'

const item = { inputIds: [4, 0, 0, 5, 9, 8, 8], imageIndex: [-1, 0, 1, -1, -1, -1, -1], tailStart: 4 }
const tokens = { eos: 9, mask: 8 }

describe('pool weights', () => {
  test.each([
    ['last', [0, 0, 0, 0, 0, 0, 1]],
    ['mean', [1, 1, 1, 1, 1, 1, 1]],
    ['mean-text', [1, 0, 0, 1, 1, 1, 1]],
    ['mean-image', [0, 1, 1, 0, 0, 0, 0]],
    ['mean-tail', [0, 0, 0, 0, 1, 1, 1]],
    ['weighted', [1, 2, 3, 4, 5, 6, 7]],
    ['eos', [0, 0, 0, 0, 1, 0, 0]],
    ['mask', [0, 0, 0, 0, 0, 1, 1]],
    ['mask-shifted', [0, 0, 0, 0, 1, 1, 0]],
  ] as const)('%s', (name, expected) => {
    expect([...poolWeights(name, item, tokens)]).toEqual(expected)
  })

  test('an image position is never taken for a token', () => {
    const zero = { ...item, inputIds: [4, 0, 0, 5, 0, 6, 7] }
    expect([...poolWeights('mask', zero, { mask: 0 })]).toEqual([0, 0, 0, 0, 1, 0, 0])
  })

  test('refuses a pooling that the item has no position for', () => {
    expect(() => poolWeights('mean-image', { inputIds: [1], imageIndex: [-1], tailStart: 0 })).toThrow(
      /mean-image/,
    )
    expect(() => poolWeights('eos', item, { eos: 77 })).toThrow(/eos/)
  })
})

test('vectors are unit weighted means, cut before they are scaled, padding on either side', async () => {
  const graph = new Graph()
  const hidden = graph.input('hidden', 'f32', ['batch', 'seq', 3])
  const weights = graph.input('pool_weights', 'f32', [2, 'batch', 'seq'])
  graph.output('full', pool(hidden, weightsOf(weights, 0)))
  graph.output('short', pool(hidden, weightsOf(weights, 1), 2))
  const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })
  const mean = Float32Array.of(1, 1)
  const feed = poolWeightsFeed(
    [
      [mean, mean],
      [Float32Array.of(1, 3), mean],
    ],
    3,
    [0, 1],
  )
  const states = [1, 2, 2, 3, 2, 2, 9, 9, 9, 9, 9, 9, 0, 3, 1, 0, 5, 1]
  const { full, short } = await session.run({ hidden: f32([2, 3, 3], states), pool_weights: feed })
  await session.close()
  const unit = (values: number[]) => values.map((value) => value / Math.hypot(...values))
  expect(full!.data).toBeAllClose([...unit([2, 2, 2]), ...unit([0, 4, 1])])
  expect(short!.data).toBeAllClose([...unit([2.5, 2]), 0, 1])
})
