import { expect, test } from 'vitest'
import { compile } from '../../../engine/graph/compile.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { pixelShuffle } from './model.ts'

test('pixel shuffle joins squares of tokens, row by row (specs/ar-vlms.md §5.4)', async () => {
  const graph = new Graph()
  graph.output('shuffled', pixelShuffle(graph.input('tokens', 'f32', ['views', 16, 1]), 4, 2))
  const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })
  const tokens = f32(
    [2, 16, 1],
    Float32Array.from({ length: 32 }, (_, i) => i),
  )
  const { shuffled } = await session.run({ tokens })
  await session.close()
  const first = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
  expect(shuffled?.dims).toEqual([2, 4, 4])
  expect([...(shuffled?.data ?? [])]).toEqual([...first, ...first.map((token) => token + 16)])
})
