/**
 * @file Finds out how the processor sums 8-bit products. It runs a small graph in the engine,
 * because JavaScript can't ask the processor.
 */

import { f32, type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import { modelBytes, tensorMessage } from '../graph/onnx-model.ts'
import { startEngine } from './engine.ts'

const [INNER, OUT] = [64, 16]
/** The largest level and the largest weight: two such products overflow 16 bits. */
const [LEVEL, WEIGHT] = [255, 127]

/**
 * Whether products of unsigned by signed bytes are summed in 32 bits. x86 processors without VNNI
 * sum pairs of them in 16 bits, with saturation. One row and several run through different kernels.
 * Takes some milliseconds.
 */
export async function sumsSignedExactly(): Promise<boolean> {
  const one = f32([], [1])
  const constants: Readonly<Record<string, Tensor>> = {
    one,
    zero: tensor('u8', [], Uint8Array.of(0)),
    weightZero: tensor('i8', [], Int8Array.of(0)),
    weight: tensor('i8', [INNER, OUT], new Int8Array(INNER * OUT).fill(WEIGHT)),
  }
  const product = { opType: 'MatMulIntegerToFloat', domain: 'com.microsoft', output: ['sums'] }
  const model = modelBytes(
    {
      inputs: [{ name: 'levels', dtype: 'u8', dims: ['rows', INNER] }],
      outputs: [{ name: 'sums', dtype: 'f32', dims: ['rows', OUT] }],
      weights: [],
      constants: Object.entries(constants).map(([name, value]) => tensorMessage(name, value)),
      nodes: [{ ...product, input: ['levels', 'weight', 'one', 'one', 'zero', 'weightZero'] }],
    },
    () => ({ kind: 'inline', tensor: one }),
  )
  const engine = await startEngine({
    model,
    buffers: [],
    providers: ['cpu'],
    threads: 1,
    name: 'signed sums',
  })
  try {
    for (const rows of [1, 8]) {
      const levels = tensor('u8', [rows, INNER], new Uint8Array(rows * INNER).fill(LEVEL))
      const { sums } = await engine.run({ levels }, ['sums'])
      if (!sums!.data.every((sum: number | bigint) => Number(sum) === LEVEL * WEIGHT * INNER)) return false
    }
    return true
  } finally {
    await engine.close()
  }
}
