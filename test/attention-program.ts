/**
 * @file A program for a child process: runs one attention on the device that its argument names and
 * prints the result as JSON.
 */

import { DEVICES } from '../src/engine/runtime/devices.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { f32ToBf16 } from '../src/foundation/numeric/float.ts'
import { f32, i64, tensor } from '../src/foundation/numeric/tensor.ts'
import { handMadeGraph } from './onnx-graph.ts'

const rows = 48
const hidden = 32
const wave = (length: number, step: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * step))

/**
 * A table lookup, a product with a bf16 weight, a softmax over the keys and the weighted sum of the
 * looked-up rows.
 */
const attention = handMadeGraph({
  inputs: [{ name: 'ids', dtype: 'i64', dims: ['seq'] }],
  outputs: [{ name: 'y', dtype: 'f32', dims: ['seq', hidden] }],
  weights: [
    { name: 'table', dtype: 'f32', dims: [rows, hidden] },
    { name: 'w', dtype: 'bf16', dims: [hidden, hidden] },
  ],
  nodes: [
    { opType: 'Gather', input: ['table', 'ids'], output: ['x'] },
    { opType: 'Cast', input: ['w'], output: ['w32'], attribute: [{ name: 'to', type: 2, i: 1n }] },
    { opType: 'MatMul', input: ['x', 'w32'], output: ['query'] },
    {
      opType: 'Transpose',
      input: ['x'],
      output: ['key'],
      attribute: [{ name: 'perm', type: 7, ints: [1n, 0n] }],
    },
    { opType: 'MatMul', input: ['query', 'key'], output: ['scores'] },
    {
      opType: 'Softmax',
      input: ['scores'],
      output: ['weights'],
      attribute: [{ name: 'axis', type: 2, i: -1n }],
    },
    { opType: 'MatMul', input: ['weights', 'x'], output: ['y'] },
  ],
})

const device = DEVICES.find((name) => name === process.argv[2])
const weights = memoryWeights({
  table: f32([rows, hidden], wave(rows * hidden, 0.37)),
  w: tensor('bf16', [hidden, hidden], f32ToBf16(wave(hidden * hidden, 0.11))),
})
try {
  const session = await openSession(attention, { device, weights })
  const { y } = await session.run({ ids: i64([5], [0, 7, 47, 7, 20]) })
  await session.close()
  console.log(JSON.stringify(Array.from(y!.data, Number)))
} catch (error) {
  console.log(JSON.stringify(error))
}
