import { describe, expect, test } from 'vitest'
import { conv2d } from './convolution.ts'
import { costOf } from './cost.ts'
import { add, cast, mul } from './elementwise.ts'
import { Graph, type Value } from './graph.ts'
import { linear, matMul } from './matmul.ts'
import { reshape } from './shaping.ts'

const graphOf = (build: (graph: Graph) => Value): Graph => {
  const graph = new Graph()
  graph.output('y', build(graph))
  return graph
}
const sizes = new Map([
  ['batch', 2],
  ['seq', 5],
])
const x = (graph: Graph) => graph.input('x', 'f32', ['batch', 'seq', 8])

describe('costOf', () => {
  test.each<[string, Graph, { operations: number; elements: number }]>([
    [
      'a linear layer',
      graphOf((g) => linear(x(g), g.parameter('w', 'f32', [3, 8]), g.parameter('b', 'f32', [3]))),
      { operations: 2 * 10 * 8 * 3, elements: 0 },
    ],
    [
      'a product for each item',
      graphOf((g) => matMul(x(g), g.input('k', 'f32', ['batch', 8, 'seq']))),
      { operations: 2 * 2 * 5 * 8 * 5, elements: 0 },
    ],
    ['element by element', graphOf((g) => add(mul(x(g), 2), 1)), { operations: 0, elements: 2 * 80 }],
    [
      'a stored weight and its cast',
      graphOf((g) => mul(cast(g.parameter('w', 'bf16', [8]), 'f32'), x(g))),
      { operations: 0, elements: 80 },
    ],
    ['a change of shape', graphOf((g) => reshape(x(g), [-1, 8])), { operations: 0, elements: 0 }],
    [
      'a convolution',
      graphOf((g) =>
        conv2d(g.input('i', 'f32', ['batch', 3, 8, 8]), g.parameter('w', 'f32', [4, 3, 2, 2]), undefined, {
          stride: 2,
        }),
      ),
      { operations: 2 * (2 * 4 * 4 * 4) * (3 * 2 * 2), elements: 0 },
    ],
  ])('%s', (_, graph, cost) => {
    expect(costOf(graph, sizes)).toEqual(cost)
  })

  test('what no output needs is free; a size that is not given is told', () => {
    const graph = graphOf((g) => add(x(g), 1))
    matMul(x(graph), graph.parameter('w', 'f32', [8, 8]))
    expect(costOf(graph, sizes)).toEqual({ operations: 0, elements: 80 })
    expect(() => costOf(graph, new Map())).toThrow(/batch is not known/)
  })
})
