import { expect, test } from 'vitest'
import { compile } from '../../../engine/graph/compile.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { codesOf, signsOf } from './image-tokenizer.ts'

async function codes(
  latents: readonly number[],
  [bits, rows, columns]: readonly [number, number, number],
): Promise<number[]> {
  const graph = new Graph()
  graph.output('codes', codesOf(graph.input('latents', 'f32', [1, bits, rows, columns])))
  const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })
  const { codes: found } = await session.run({ latents: f32([1, bits, rows, columns], latents) })
  await session.close()
  expect(found!.dims).toEqual([1, rows * columns])
  return Array.from(found!.data, Number)
}

test('the first channel is the most significant bit, an exact zero is no bit, cells go row by row', async () => {
  // Three bits, one row of four cells: channel by channel.
  const latents = [1, -1, 0, 1e-30, -2, 3, 0, 0, -0.5, 0.5, 1, 9]
  expect(await codes(latents, [3, 1, 4])).toEqual([4, 3, 1, 5])
})

test('codes of published width are whole numbers up to 8191', async () => {
  expect(await codes(new Array<number>(13).fill(1), [13, 1, 1])).toEqual([8191])
})

test('signs give back their codes', async () => {
  const given = [0, 1, 37, 63, 32, 5]
  expect(await codes([...signsOf(given, 6, [2, 3])], [6, 2, 3])).toEqual(given)
})

test('signs of several pictures lie one after the other', () => {
  expect([...signsOf([1, 2], 2, [1, 1])]).toEqual([-1, 1, 1, -1])
})
