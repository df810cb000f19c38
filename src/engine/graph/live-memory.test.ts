/** @file Foretold memory of a graph. */

import { expect, test } from 'vitest'
import { add, cast, exp } from './elementwise.ts'
import { Graph } from './graph.ts'
import { liveBytes } from './live-memory.ts'
import { reshape } from './shaping.ts'

const sizes = new Map([['n', 10]])

test('a value goes when its last user has run', () => {
  const graph = new Graph()
  const x = graph.input('x', 'f32', ['n'])
  graph.output('y', exp(exp(exp(x))))
  // Input and output of one operator at a time.
  expect(liveBytes(graph, sizes)).toBe(80)
})

test('a value that is read later stays', () => {
  const graph = new Graph()
  const x = graph.input('x', 'f32', ['n'])
  const kept = exp(x)
  graph.output('y', add(exp(exp(kept)), kept))
  expect(liveBytes(graph, sizes)).toBe(120)
})

test('another shape of a value takes no bytes, and keeps it', () => {
  const graph = new Graph()
  const kept = reshape(exp(graph.input('x', 'f32', ['n'])), ['n', 1])
  graph.output('y', add(exp(exp(kept)), kept))
  expect(liveBytes(graph, sizes)).toBe(120)
})

test('frozen weights are not counted, fed ones are', () => {
  const graph = new Graph()
  const x = graph.input('x', 'f32', [10])
  const frozen = graph.parameter('frozen', 'f32', [10])
  const fed = graph.parameter('fed', 'f32', [10], 'fed')
  graph.output('y', add(add(x, frozen), fed))
  expect(liveBytes(graph, sizes)).toBe(120)
})

test('a frozen weight in another dtype is one', () => {
  const graph = new Graph()
  const x = graph.input('x', 'f32', [10])
  graph.output('y', add(x, cast(graph.parameter('half', 'f16', [10]), 'f32')))
  expect(liveBytes(graph, sizes)).toBe(80)
})

test('an unknown size is refused', () => {
  const graph = new Graph()
  graph.output('y', exp(graph.input('x', 'f32', ['m'])))
  expect(() => liveBytes(graph, sizes)).toThrow(expect.objectContaining({ code: 'graph/free-symbol' }))
})
