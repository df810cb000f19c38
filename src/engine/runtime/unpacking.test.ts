/**
 * @file When the engine unpacks weights that are kept in 16 bits: each for its own layer, or the
 * whole model would be in memory as f32.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sizeOf, tensor } from '../../foundation/numeric/tensor.ts'
import { gradients } from '../graph/backward.ts'
import { compile } from '../graph/compile.ts'
import type { CompiledGraph, Precision } from '../graph/compiled.ts'
import { add, mul } from '../graph/elementwise.ts'
import { Graph, isNode, type Value } from '../graph/graph.ts'
import { linear } from '../graph/matmul.ts'
import { reduceSum } from '../graph/reduction.ts'
import { mlp } from '../nn/mlp.ts'
import { layerNorm } from '../nn/norm.ts'
import { rootScope, type ScopeOptions } from '../nn/scope.ts'
import { placeWeights } from './placement.ts'
import { locateWeights, memoryWeights } from './weights.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bifocal-unpacking-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Stored = 'bf16' | 'f16'

const LAYERS = 6
const WIDTH = 32

/** Feed-forward layers behind norms, as in a tower, all stored as bf16 or f16. */
function layers(graph: Graph, options: ScopeOptions): Value<'f32'> {
  const scope = rootScope(graph, options)
  let x = graph.input('x', 'f32', ['rows', WIDTH])
  for (let n = 0; n < LAYERS; n++) {
    const layer = scope.under(`layers.${n}`)
    x = layer.segment(x, (inner) => {
      const normed = layerNorm(layer, inner, 'norm', WIDTH, 1e-5)
      return add(inner, mlp(layer, normed, { hidden: WIDTH, inner: 2 * WIDTH, activation: 'gelu' }))
    })
  }
  return linear(x, scope.weight('head', [WIDTH, WIDTH]))
}

function forward(stored: Stored, precision: Precision): CompiledGraph {
  const graph = new Graph()
  graph.output('y', layers(graph, { storedDtype: () => stored }))
  return compile(graph, { precision })
}

/** A step that trains updates of rank 2. */
function training(stored: Stored, precision: Precision, recompute: boolean): CompiledGraph {
  const graph = new Graph()
  const adapter = () => ({ rank: 2, scale: 1 })
  const y = layers(graph, { storedDtype: () => stored, adapter, recompute })
  const trained = graph.nodes.flatMap((node) =>
    isNode(node, 'Parameter') && node.attributes.placement === 'fed' && node.output.dtype === 'f32'
      ? [graph.parameter(node.attributes.name, 'f32', node.output.dims.map(Number), 'fed')]
      : [],
  )
  for (const [i, gradient] of gradients(reduceSum(mul(y, y)), trained).entries())
    graph.output(`gradient ${i}`, gradient)
  return compile(graph, { precision })
}

const traceSchema = z.array(
  z.object({ name: z.string(), args: z.object({ op_name: z.string().optional() }).optional() }),
)

/** Operators in the order in which they ran. @param name of the trace's file */
async function trace(name: string, compiled: CompiledGraph, stored: Stored): Promise<string[]> {
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
  const profiled = {
    externalData,
    enableProfiling: true,
    profileFilePrefix: join(folder, name),
    logSeverityLevel: 3,
  } as const
  const session = await InferenceSession.create(model, profiled)
  const feeds = compiled.inputs.map(({ name: input, dims }) => {
    const sizes = dims.map((dim) => (typeof dim === 'number' ? dim : 3))
    return [input, new Tensor('float32', new Float32Array(sizeOf(sizes)), sizes)] as const
  })
  await session.run(Object.fromEntries(feeds))
  session.endProfiling()
  await session.release()
  const file = readdirSync(folder).find((path) => path.startsWith(name))
  const events = traceSchema.parse(JSON.parse(readFileSync(join(folder, file!), 'utf8')))
  return events.flatMap(({ name, args }) =>
    name.endsWith('_kernel_time') && args?.op_name !== undefined ? [args.op_name] : [],
  )
}

const cases = [
  ['bf16', 'f32'],
  ['f16', 'f32'],
  ['bf16', 'f16'],
  ['f16', 'f16'],
] as const

test.each(cases)(
  'stored as %s, run at %s: a layer is unpacked when its turn comes',
  async (stored, precision) => {
    const ran = await trace(`${stored}-${precision}`, forward(stored, precision), stored)
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
  },
)

describe.each([false, true])('in a training step, recomputed: %s', (recompute) => {
  test.each(cases)(
    'stored as %s, run at %s: a matrix is unpacked for each product anew',
    async (stored, precision) => {
      const compiled = training(stored, precision, recompute)
      const ran = await trace(`step-${recompute}-${stored}-${precision}`, compiled, stored)
      // Products with frozen matrices: forward, backward, and the first of each layer anew.
      const products = 2 * (2 * LAYERS) + 1 + (recompute ? LAYERS : 0)
      const vectors = compiled.weights.filter(({ dims }) => dims.length === 1).length
      expect(ran.filter((name) => name === 'Cast')).toHaveLength(products + vectors)
      let unpacked = 0
      for (const name of ran) {
        unpacked = /Gemm|MatMul/.test(name) ? 0 : unpacked + Number(name === 'Cast')
        expect(unpacked).toBeLessThanOrEqual(4)
      }
    },
  )
})
