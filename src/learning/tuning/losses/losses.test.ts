/** @file Contrastive losses with symbolic batch sizes, against closed forms. */

import { expect, test } from 'vitest'
import { gradients } from '../../../engine/graph/backward.ts'
import { compile } from '../../../engine/graph/compile.ts'
import { Graph, type Value } from '../../../engine/graph/graph.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { infoNce, matryoshka, sigmoidLoss } from './infonce.ts'

type Loss = (graph: Graph, queries: Value<'f32'>, targets: Value<'f32'>) => Value<'f32'>

/**
 * Loss and query gradient at `[n, 2]` queries and `[m, 2]` targets, sizes known only when it runs.
 */
async function run(build: Loss, feeds: Record<string, Tensor>, perQuery = 1) {
  const graph = new Graph()
  const queries = graph.input('queries', 'f32', ['batch', 2])
  const targets = graph.input('targets', 'f32', [perQuery === 1 ? 'batch' : `${perQuery}*batch`, 2])
  const loss = build(graph, queries, targets)
  graph.output('loss', loss)
  graph.output('gradient', gradients(loss, [queries])[0]!)
  const session = await openSession(compile(graph), { weights: memoryWeights({}), threads: 1 })
  const { loss: value, gradient } = await session.run(feeds)
  await session.close()
  return { loss: Number(value!.data[0]), gradient: Array.from(gradient!.data, Number) }
}

const axes = { queries: f32([2, 2], [1, 0, 0, 1]), targets: f32([2, 2], [2, 0, 0, 3]) }
const groupsOf = (graph: Graph) => graph.input('groups', 'i64', ['batch'])
/** `log(1 + k·e^(−1/τ))`: the own target has cosine 1, `k` others cosine 0. */
const orthogonal = (temperature: number, others: number) => Math.log(1 + others * Math.exp(-1 / temperature))

test('orthogonal pairs, whatever their lengths', async () => {
  const { loss, gradient } = await run((_, q, t) => infoNce(q, t, { temperature: 0.5 }), axes)
  expect(loss).toBeCloseTo(orthogonal(0.5, 1), 6)
  // The gradient of a unit vector is orthogonal to it.
  expect([gradient[0], gradient[3]]).toBeAllClose([0, 0], { atol: 1e-6 })
  expect(gradient[1]).toBeGreaterThan(0)
})

test.each([
  ['equal groups leave the denominator', [7, 7], 0],
  ['−1 is no group', [-1, -1], orthogonal(0.5, 1)],
  ['unlike groups stay', [0, 1], orthogonal(0.5, 1)],
])('%s', async (_, ids, expected) => {
  const feeds = { ...axes, groups: i64([2], ids) }
  for (const symmetric of [false, true]) {
    const { loss } = await run(
      (graph, q, t) => infoNce(q, t, { temperature: 0.5, symmetric, targetGroups: groupsOf(graph) }),
      feeds,
    )
    expect(loss).toBeCloseTo(expected, 6)
  }
})

test('own hard negatives are candidates of every query, and may be masked', async () => {
  const feeds = { queries: axes.queries, targets: f32([4, 2], [1, 0, 0, 1, 0, 1, 1, 0]) }
  const plain = await run((_, q, t) => infoNce(q, t, { temperature: 0.5, perQuery: 2 }), feeds, 2)
  // Each query meets its target's direction twice and the other one twice.
  expect(plain.loss).toBeCloseTo(Math.log(2 + 2 * Math.exp(-2)), 6)
  const masked = await run(
    (graph, q, t) =>
      infoNce(q, t, {
        temperature: 0.5,
        perQuery: 2,
        targetGroups: graph.input('groups', 'i64', ['2*batch']),
      }),
    { ...feeds, groups: i64([4], [0, 1, 1, 0]) },
    2,
  )
  expect(masked.loss).toBeCloseTo(orthogonal(0.5, 2), 6)
})

test('sigmoid loss leaves pairs of one group out', async () => {
  const build: Loss = (graph, q, t) =>
    sigmoidLoss(q, t, {
      logScale: graph.scalar(Math.log(2)),
      bias: graph.scalar(-1),
      groups: groupsOf(graph),
    })
  const own = Math.log(1 + Math.exp(-1))
  const other = Math.log(1 + Math.exp(-1))
  expect((await run(build, { ...axes, groups: i64([2], [-1, -1]) })).loss).toBeCloseTo(own + other, 6)
  expect((await run(build, { ...axes, groups: i64([2], [3, 3]) })).loss).toBeCloseTo(own, 6)
})

test('matryoshka normalises each truncation anew', async () => {
  const feeds = { queries: f32([2, 2], [3, 4, -3, 4]), targets: f32([2, 2], [3, 4, -3, 4]) }
  const { loss } = await run(
    (_, q, t) =>
      matryoshka({ dims: [1], weights: [2] }, (cut) => infoNce(cut(q), cut(t), { temperature: 1 })),
    feeds,
  )
  // One dimension, normalised: +1 and −1.
  expect(loss).toBeCloseTo(2 * Math.log(1 + Math.exp(-2)), 6)
})

test.each([
  [
    'rows',
    (graph: Graph) =>
      infoNce(graph.input('q', 'f32', [2, 4]), graph.input('t', 'f32', [3, 4]), { temperature: 1 }),
  ],
  [
    'dims',
    (graph: Graph) =>
      infoNce(graph.input('q', 'f32', [2, 4]), graph.input('t', 'f32', [2, 5]), { temperature: 1 }),
  ],
  ['weights', (graph: Graph) => matryoshka({ dims: [2, 4], weights: [1] }, () => graph.scalar(0))],
])('mismatched %s are refused', (_, build) => {
  expect(() => build(new Graph())).toThrow(expect.objectContaining({ code: 'tuning/loss' }))
})
