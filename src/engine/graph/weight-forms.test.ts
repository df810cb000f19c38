/** @file Which weights of a graph a precision changes, and to which form. */

import { expect, test } from 'vitest'
import { type CompileOptions, compile } from './compile.ts'
import { cast } from './elementwise.ts'
import { Graph } from './graph.ts'
import { gather } from './indexing.ts'
import { linear, matMul } from './matmul.ts'
import { reshape } from './shaping.ts'

const IN = 320

/** One weight for each way of using it; what is said of it is its name. */
function everyUse(): Graph {
  const graph = new Graph()
  const square = (name: string) => graph.parameter(name, 'f32', [IN, IN])
  const states = gather(
    cast(graph.parameter('embedding', 'bf16', [11, IN]), 'f32'),
    graph.input('ids', 'i64', ['batch', 'seq']),
  )
  const twice = linear(linear(states, square('two layers')), square('two layers'))
  const unpacked = linear(twice, cast(graph.parameter('unpacked', 'bf16', [IN, IN]), 'f32'))
  const trained = linear(unpacked, graph.parameter('trained', 'f32', [IN, IN], 'fed'))
  const elsewhere = matMul(linear(trained, square('layer and product')), square('layer and product'))
  const patches = linear(elsewhere, reshape(graph.parameter('patches', 'f32', [IN, 5, 8, 8]), [IN, IN]))
  graph.output('y', patches)
  graph.output(
    'pooled',
    linear(
      graph.input('pooled states', 'f32', ['batch', IN]),
      square('projection'),
      graph.parameter('bias', 'f32', [IN]),
    ),
  )
  return graph
}

const matrices = ['embedding', 'two layers', 'unpacked', 'layer and product', 'patches', 'projection']
test.each<[string, CompileOptions, string[], form: string]>([
  ['f32: none', {}, [], ''],
  [
    'int8: what only linear layers over positions use',
    { precision: 'int8' },
    ['two layers', 'unpacked'],
    'int8',
  ],
  ['f16 on the CPU: every matrix is held in 16 bits', { precision: 'f16' }, matrices, 'half'],
  ['f16 on a GPU: every matrix in f16', { precision: 'f16', halfProducts: true }, matrices, 'f16'],
])('%s', (_, options, names, form) => {
  const { weights } = compile(everyUse(), options)
  expect(weights.map(({ name }) => name).sort()).toEqual([...matrices, 'bias'].sort())
  expect(
    Object.fromEntries(weights.flatMap((slot) => (slot.form === undefined ? [] : [[slot.name, slot.form]]))),
  ).toEqual(Object.fromEntries(names.map((name) => [name, form])))
})
