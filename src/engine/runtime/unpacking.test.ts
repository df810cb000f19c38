/**
 * @file When the engine unpacks weights that are kept in 16 bits: each for its own layer, or the
 * whole model would be in memory as f32.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { sizeOf, tensor } from '../../foundation/numeric/tensor.ts'
import { compile } from '../graph/compile.ts'
import type { Precision } from '../graph/compiled.ts'
import { add } from '../graph/elementwise.ts'
import { Graph } from '../graph/graph.ts'
import { linear } from '../graph/matmul.ts'
import { mlp } from '../nn/mlp.ts'
import { layerNorm } from '../nn/norm.ts'
import { rootScope } from '../nn/scope.ts'
import { placeWeights } from './placement.ts'
import { locateWeights, memoryWeights } from './weights.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bifocal-unpacking-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const LAYERS = 6
const WIDTH = 32

/** Feed-forward layers behind norms, as in a tower, all stored as bf16 or f16. */
function layers(stored: 'bf16' | 'f16', precision: Precision) {
  const graph = new Graph()
  const scope = rootScope(graph, { storedDtype: () => stored })
  let x = graph.input('x', 'f32', ['rows', WIDTH])
  for (let n = 0; n < LAYERS; n++) {
    const layer = scope.under(`layers.${n}`)
    x = add(
      x,
      mlp(layer, layerNorm(layer, x, 'norm', WIDTH, 1e-5), {
        hidden: WIDTH,
        inner: 2 * WIDTH,
        activation: 'gelu',
      }),
    )
  }
  graph.output('y', linear(x, scope.weight('head', [WIDTH, WIDTH])))
  return compile(graph, { precision })
}

const traceSchema = z.array(
  z.object({ name: z.string(), args: z.object({ op_name: z.string().optional() }).optional() }),
)

/** Operators in the order in which they ran. */
async function trace(stored: 'bf16' | 'f16', precision: Precision): Promise<string[]> {
  const compiled = layers(stored, precision)
  const weights = Object.fromEntries(
    compiled.weights.map(({ name, dims }) => [name, tensor(stored, dims, new Uint16Array(sizeOf(dims)))]),
  )
  const { model, buffers } = await placeWeights(compiled, locateWeights(compiled, memoryWeights(weights)), {
    memory: 'low',
  })
  if (typeof model === 'string') throw new Error('so small a model is not mapped')
  const externalData = buffers.flatMap(({ location, source }) =>
    typeof source === 'string' ? [] : [{ path: location, data: source }],
  )
  const prefix = `${stored}-${precision}`
  const profiled = {
    externalData,
    enableProfiling: true,
    profileFilePrefix: join(folder, prefix),
    logSeverityLevel: 3,
  } as const
  const session = await InferenceSession.create(model, profiled)
  await session.run({ x: new Tensor('float32', new Float32Array(3 * WIDTH), [3, WIDTH]) })
  session.endProfiling()
  await session.release()
  const file = readdirSync(folder).find((name) => name.startsWith(prefix))
  const events = traceSchema.parse(JSON.parse(readFileSync(join(folder, file!), 'utf8')))
  return events.flatMap(({ name, args }) =>
    name.endsWith('_kernel_time') && args?.op_name !== undefined ? [args.op_name] : [],
  )
}

test.each([
  ['bf16', 'f32'],
  ['f16', 'f32'],
  ['bf16', 'f16'],
  ['f16', 'f16'],
] as const)('stored as %s, run at %s: a layer is unpacked when its turn comes', async (stored, precision) => {
  const ran = await trace(stored, precision)
  const products = ran.filter((name) => /Gemm|MatMul/.test(name))
  expect(products).toHaveLength(2 * LAYERS + 1)
  // A matrix, its bias, the norm's two vectors.
  let unpacked = 0
  for (const name of ran) {
    unpacked = /Gemm|MatMul/.test(name) ? 0 : unpacked + Number(name === 'Cast')
    expect(unpacked).toBeLessThanOrEqual(4)
  }
  // Every matrix at each run: they are not folded when the session opens.
  expect(ran.filter((name) => name === 'Cast').length).toBeGreaterThanOrEqual(products.length)
})
