/** @file Segments that are computed anew: the same values and gradients, and really anew. */

import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { openSession } from '../runtime/session.ts'
import { memoryWeights } from '../runtime/weights.ts'
import { gradients } from './backward.ts'
import { compile } from './compile.ts'
import { add, exp, mul, tanh } from './elementwise.ts'
import { Graph, isNode, type Value } from './graph.ts'
import { linear, matMul } from './matmul.ts'
import { reachable } from './order.ts'
import { after, recomputed } from './recompute.ts'
import { reduceSum } from './reduction.ts'

type F = Value<'f32'>
type Segment = (x: F, build: (x: F) => F) => F

const WIDTH = 5
const feeds: Record<string, Tensor<'f32'>> = Object.fromEntries(
  [
    ['x', [3, WIDTH]],
    ['up', [WIDTH, 2]],
    ['down', [2, WIDTH]],
    ['other', [3, WIDTH]],
  ].map(([name, dims]) => [
    name as string,
    f32(
      dims as number[],
      fillNormal(new Float32Array(sizeOf(dims as number[])), 0.5, stream(name as string)),
    ),
  ]),
)

const input = (graph: Graph, name: string) => graph.input(name, 'f32', feeds[name]!.dims)
const trained = (graph: Graph, name: string) =>
  graph.parameter(name, 'f32', feeds[name]!.dims.map(Number), 'fed')

/** Two layers with a trained matrix that is made in the graph, each a segment. */
function stack(graph: Graph, segment: Segment): F {
  const [up, down] = [trained(graph, 'up'), trained(graph, 'down')]
  const other = input(graph, 'other')
  let x = input(graph, 'x')
  for (let layer = 0; layer < 2; layer++)
    x = segment(x, (inner) => add(inner, mul(tanh(linear(inner, matMul(up, down))), other)))
  return x
}

async function run(graph: Graph, given = feeds): Promise<Record<string, Tensor>> {
  const compiled = compile(graph)
  const session = await openSession(compiled, { weights: memoryWeights({}), thread: 'caller' })
  try {
    return await session.run(Object.fromEntries(compiled.inputs.map(({ name }) => [name, given[name]!])))
  } finally {
    await session.close()
  }
}

const numbers = (value: Tensor | undefined) => Array.from(value!.data, Number)

const plain: Segment = (x, build) => build(x)

function differentiated(segment: Segment, of: (graph: Graph, segment: Segment) => F): Graph {
  const graph = new Graph()
  const loss = reduceSum(exp(of(graph, segment)))
  const names = ['x', 'up', 'down', 'other']
  const values = [input(graph, 'x'), trained(graph, 'up'), trained(graph, 'down'), input(graph, 'other')]
  graph.output('loss', loss)
  for (const [i, gradient] of gradients(loss, values).entries())
    graph.output(`gradient of ${names[i]}`, gradient)
  return graph
}

describe('gradients of recomputed segments', () => {
  test('are those of kept ones, to the bit', async () => {
    expect(await run(differentiated(recomputed, stack))).toEqual(await run(differentiated(plain, stack)))
  })

  test('include what flows into an inner value from outside', async () => {
    const leaking = (graph: Graph, segment: Segment) => {
      let inner: F | undefined
      const output = segment(stack(graph, segment), (x) => {
        inner = mul(tanh(x), x)
        return mul(inner, inner)
      })
      return add(output, inner!)
    }
    const [anew, kept] = [
      await run(differentiated(recomputed, leaking)),
      await run(differentiated(plain, leaking)),
    ]
    for (const name of Object.keys(kept))
      expect(numbers(anew[name])).toBeAllClose(numbers(kept[name]), { rtol: 1e-6 })
  })

  test('show a NaN of the inputs', async () => {
    const bad = {
      ...feeds,
      x: f32(
        [3, WIDTH],
        feeds.x!.data.map((value, i) => (i === 7 ? Number.NaN : value)),
      ),
    }
    const { 'gradient of x': gradient } = await run(differentiated(recomputed, stack), bad)
    expect(numbers(gradient).map(Number.isNaN).filter(Boolean)).toHaveLength(WIDTH)
  })
})

test('inner values of the forward pass are not read by the backward pass', () => {
  const readers = (segment: Segment) => {
    const graph = differentiated(segment, stack)
    const nodes = reachable(graph, [...graph.outputs.values()])
    const forward = nodes.find((node) => isNode(node, 'Tanh'))!
    return nodes.filter(({ inputs }) => inputs.includes(forward.output)).map(({ op }) => op)
  }
  expect(readers(recomputed)).toEqual(['Mul'])
  expect(readers(plain).length).toBeGreaterThan(1)
})

test('`after` is no copy that the engine leaves out: the value waits for the other one', async () => {
  const graph = new Graph()
  const x = input(graph, 'x')
  graph.output('y', after(x, exp(input(graph, 'other'))))
  expect((await run(graph)).y).toEqual(feeds.x)
  expect(reachable(graph, [...graph.outputs.values()]).map(({ op }) => op)).toContain('Exp')
})
