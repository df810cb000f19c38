/**
 * @file A program for a child process: looks rows of tables up that are stored as f16 and bf16, and
 * multiplies with them, on a device; prints the results as JSON. Arguments: device, precision,
 * memory mode.
 */

import { compile } from '../src/engine/graph/compile.ts'
import { PRECISIONS } from '../src/engine/graph/compiled.ts'
import { Graph } from '../src/engine/graph/graph.ts'
import { linear } from '../src/engine/graph/matmul.ts'
import { concat } from '../src/engine/graph/shaping.ts'
import { rootScope } from '../src/engine/nn/scope.ts'
import { DEVICES } from '../src/engine/runtime/devices.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { f32ToBf16, f32ToF16 } from '../src/foundation/numeric/float.ts'
import { i64, tensor } from '../src/foundation/numeric/tensor.ts'

const [, , deviceName, precisionName, memory] = process.argv
const [rows, width] = [11, 32]
const wave = (step: number) => Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * step))

const graph = new Graph()
const scope = rootScope(graph, { storedDtype: (name) => (name === 'half' ? 'f16' : 'bf16') })
const ids = graph.input('ids', 'i64', ['n'])
const looked = ['half', 'brain'].map((name) => scope.rows(name, [rows, width], ids))
const made = looked.map((x) => linear(x, scope.weight('half', [rows, width])))
graph.output('y', concat([...looked, ...made], 1))

const weights = memoryWeights({
  half: tensor('f16', [rows, width], f32ToF16(wave(0.37))),
  brain: tensor('bf16', [rows, width], f32ToBf16(wave(0.11))),
})
const device = DEVICES.find((name) => name === deviceName) ?? 'cpu'
const precision = PRECISIONS.find((name) => name === precisionName) ?? 'f32'
try {
  const compiled = compile(graph, { precision, halfProducts: device !== 'cpu' })
  const session = await openSession(compiled, { device, weights, memory: memory === 'low' ? 'low' : 'fast' })
  const { y } = await session.run({ ids: i64([3], [0, 7, 10]) })
  await session.close()
  console.log(JSON.stringify(Array.from(y!.data, Number)))
} catch (error) {
  console.log(JSON.stringify(error))
}
