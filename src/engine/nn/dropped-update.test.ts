/** @file Updates of a linear layer whose input has elements dropped, against PEFT's own sums. */

import { expect, test } from 'vitest'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { compile } from '../graph/compile.ts'
import { mul } from '../graph/elementwise.ts'
import { Graph } from '../graph/graph.ts'
import { openSession } from '../runtime/session.ts'
import { rootScope } from './scope.ts'

const [ROWS, IN, OUT, RANK, SCALE] = [2, 3, 2, 1, 2]
const values = (dims: readonly number[], from: number) =>
  f32(
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(from + i)),
  )
const arrays = {
  x: values([ROWS, IN], 1),
  mask: f32([ROWS, IN], [0, 2, 2, 2, 0, 0]),
  weight: values([OUT, IN], 20),
  bias: values([OUT], 40),
  down: values([RANK, IN], 60),
  up: values([OUT, RANK], 80),
  magnitude: values([OUT], 90),
}

/** `a·bᵀ`, by rows. */
function times(a: Tensor<'f32'>, b: Tensor<'f32'>): number[][] {
  const row = ({ dims, data }: Tensor<'f32'>, i: number) => data.subarray(i * dims[1]!, (i + 1) * dims[1]!)
  return Array.from({ length: a.dims[0]! }, (_, i) =>
    Array.from({ length: b.dims[0]! }, (_, j) =>
      row(a, i).reduce((sum, value, k) => sum + value * row(b, j)[k]!, 0),
    ),
  )
}

/** Computes the layer in the graph. */
async function layer(dora: boolean): Promise<number[]> {
  const graph = new Graph()
  const mask = graph.input('mask', 'f32', [ROWS, IN])
  const scope = rootScope(graph, {
    trainable: () => true,
    adapter: () => ({ rank: RANK, scale: SCALE, dora, merged: true, dropout: (x) => mul(x, mask) }),
  })
  graph.output('y', scope.linear(graph.input('x', 'f32', [ROWS, IN]), 'layer', IN, OUT))
  const session = await openSession(compile(graph), {
    weights: { locate: () => undefined },
    thread: 'caller',
    name: 'layer',
  })
  const { y } = await session.run({
    x: arrays.x,
    mask: arrays.mask,
    'layer.weight': arrays.weight,
    'layer.bias': arrays.bias,
    'layer.lora_A.weight': arrays.down,
    'layer.lora_B.weight': arrays.up,
    ...(dora ? { 'layer.lora_magnitude_vector.weight': arrays.magnitude } : {}),
  })
  await session.close()
  return Array.from(y!.data, Number)
}

const dropped = f32(
  [ROWS, IN],
  arrays.x.data.map((value, i) => value * arrays.mask.data[i]!),
)
const plain = times(arrays.x, arrays.weight)
const update = times(dropped, arrays.down).map(([inner = 0]) =>
  Array.from(arrays.up.data, (up) => SCALE * inner * up),
)

test('LoRA: the layer sees all of the input, its update the rest that was not dropped', async () => {
  const expected = plain.flatMap((row, i) =>
    row.map((value, j) => value + arrays.bias.data[j]! + update[i]![j]!),
  )
  expect(await layer(false)).toBeAllClose(expected, { atol: 1e-5 })
})

test('DoRA: base(x) + (c − 1)·W·drop(x) + c·s·B·A·drop(x)', async () => {
  const partial = times(dropped, arrays.weight)
  const stretch = Array.from(arrays.magnitude.data, (magnitude, j) => {
    const row = Array.from(
      { length: IN },
      (_, k) => arrays.weight.data[j * IN + k]! + SCALE * arrays.up.data[j]! * arrays.down.data[k]!,
    )
    return magnitude / Math.hypot(...row)
  })
  const expected = plain.flatMap((row, i) =>
    row.map(
      (value, j) =>
        value + arrays.bias.data[j]! + (stretch[j]! - 1) * partial[i]![j]! + stretch[j]! * update[i]![j]!,
    ),
  )
  expect(await layer(true)).toBeAllClose(expected, { atol: 1e-5 })
})
