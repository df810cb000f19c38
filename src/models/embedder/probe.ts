/** @file Measures how much work this machine does in a second. */

import { compile } from '../../engine/graph/compile.ts'
import type { Precision } from '../../engine/graph/compiled.ts'
import { costOf } from '../../engine/graph/cost.ts'
import { add, mul } from '../../engine/graph/elementwise.ts'
import { Graph, type Value } from '../../engine/graph/graph.ts'
import { linear } from '../../engine/graph/matmul.ts'
import { softmax } from '../../engine/graph/reduction.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { f32, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'

export interface MachineSpeed {
  /** Floating-point operations a second in products of matrices. */
  operations: number
  /** Elements a second that other operators write. */
  elements: number
}

export interface ProbeOptions {
  /** Of the matrices. */
  width: number
  /** Positions of a run. */
  rows: number
  precision: Precision
  device?: Device
  threads?: number
  /** Of both measurements together; default 2. */
  seconds?: number
}

/** Bytes of all matrices: more than the inner caches hold, unless one alone takes more. */
const MATRIX_BYTES = 2 ** 25
const MOST_MATRICES = 8

/**
 * Runs products and element-wise operators of a model's size, half of the time each.
 * @throws RuntimeError for the device
 */
export async function probeMachine(options: ProbeOptions): Promise<MachineSpeed> {
  const { width } = options
  const count = Math.min(MOST_MATRICES, Math.max(1, Math.floor(MATRIX_BYTES / (4 * width * width))))
  const names = Array.from({ length: count }, (_, i) => `matrix ${i}`)
  const products = await timed(options, names, (graph, x) =>
    names.reduce((rows, name) => linear(rows, graph.parameter(name, 'f32', [width, width])), x),
  )
  const others = await timed(options, [], (_, x) => softmax(add(mul(x, x), x), 1))
  return {
    operations: products.cost.operations / products.seconds,
    elements: others.cost.elements / others.seconds,
  }
}

/** The cost of one run and its time: the median over half of the probe's seconds. */
async function timed(
  { width, rows, precision, device = 'cpu', threads, seconds = 2 }: ProbeOptions,
  matrices: readonly string[],
  build: (graph: Graph, x: Value<'f32'>) => Value,
): Promise<{ cost: { operations: number; elements: number }; seconds: number }> {
  const graph = new Graph()
  graph.output('y', build(graph, graph.input('x', 'f32', ['rows', width])))
  const weights = memoryWeights(Object.fromEntries(matrices.map((name) => [name, waves([width, width])])))
  const compiled = compile(graph, { precision, halfProducts: device !== 'cpu' })
  const session = await openSession(compiled, { weights, device, threads, name: 'probe' })
  try {
    const feeds = { x: waves([rows, width]) }
    await session.run(feeds)
    const times: number[] = []
    const start = performance.now()
    do {
      const before = performance.now()
      await session.run(feeds)
      times.push(performance.now() - before)
    } while (performance.now() - start < 500 * seconds)
    const median = times.sort((a, b) => a - b)[times.length >> 1]!
    return { cost: costOf(graph, new Map([['rows', rows]])), seconds: median / 1000 }
  } finally {
    await session.close()
  }
}

/** Numbers without a pattern that would make them easy, at the size of weights. */
function waves(dims: readonly number[]): Tensor<'f32'> {
  return f32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => ((i * 7919) % 1009) / 50_450 - 0.01),
  )
}
