/**
 * @file The gradients by chunks are those of the whole batch, for each loss, all pairs and chunks.
 */

import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { tanh } from '../../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../../engine/graph/graph.ts'
import { linear } from '../../../engine/graph/matmul.ts'
import { l2Normalize } from '../../../engine/graph/reduction.ts'
import { openSession, type Session } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { gradientGraph, stepResultOf } from '../../training/gradient.ts'
import { chunkGraphs, gradCache, runWith, sessionChunk, sessionLoss, vectorLossGraph } from '../gradcache.ts'
import { lossOver } from '../loss-graph.ts'
import type { ContrastiveLoss } from './loss.ts'
import { makeLoss } from './make.ts'
import { lossSettings } from './settings.ts'

const [ITEMS, INNER, DIM] = [14, 6, 8]
const normal = (name: string, dims: number[], size = 1) =>
  f32(dims, fillNormal(new Float32Array(dims.reduce((a, b) => a * b)), size, stream(4, name)))
const features = normal('features', [ITEMS, INNER])
const weight = normal('weight', [DIM, INNER], 0.6)

/** The model: one layer from features to unit vectors. */
function vectors(graph: Graph): Value<'f32'> {
  const x = graph.input('features', 'f32', ['items', INNER])
  return l2Normalize(tanh(linear(x, graph.parameter('weight', 'f32', [DIM, INNER], 'fed'))))
}

const LOSSES: Readonly<Record<string, ContrastiveLoss>> = Object.fromEntries(
  Object.entries({
    infonce: {},
    symmetric: { symmetric: true, temperature: { learned: 0.05 } },
    'all terms': { queryQuery: true, targetTarget: true, negatives: 'own', margin: { own: 0.3 } },
    teacher: { margin: { teacher: 0.1 }, temperature: { start: 0.2, end: 0.02 }, falseNegatives: 'keep' },
    sigmoid: { name: 'sigmoid', bias: -2 },
    matryoshka: { matryoshka: { dims: [3, 8], weights: [0.5, 1] } },
  } as const).map(([name, settings]) => [name, makeLoss(lossSettings.parse(settings))]),
)

interface LossSessions {
  whole: Session
  cached: Session
}
let sessions: Record<string, LossSessions>
let chunk: { forward: Session; backward: Session }
beforeAll(async () => {
  const open = (compiled: Parameters<typeof openSession>[0]) =>
    openSession(compiled, { weights: memoryWeights({}), thread: 'caller', threads: 1 })
  const opened = Object.entries(LOSSES).map(async ([name, loss]) => {
    const { compiled } = gradientGraph((graph) => lossOver(graph, [vectors(graph)], loss))
    const cached = vectorLossGraph({ vectors: ['items', DIM] }, (graph, { vectors: rows }) =>
      lossOver(graph, [rows!], loss),
    )
    return [name, { whole: await open(compiled), cached: await open(cached) }] as const
  })
  sessions = Object.fromEntries(await Promise.all(opened))
  const graphs = chunkGraphs((graph) => ({ vectors: vectors(graph) }))
  chunk = { forward: await open(graphs.forward), backward: await open(graphs.backward) }
})
afterAll(async () => {
  for (const { whole, cached } of Object.values(sessions)) await Promise.all([whole.close(), cached.close()])
  await Promise.all([chunk.forward.close(), chunk.backward.close()])
})

const item = fc.nat({ max: ITEMS - 1 })
const score = fc.double({ min: 0, max: 1, noNaN: true })
const pair = fc.record({
  query: item,
  target: item,
  score,
  negatives: fc.array(fc.record({ item, score }), { maxLength: 2 }),
})

/** The feeds that the trainer gives to a loss; an item is its own group. */
function lossFeeds(
  loss: ContrastiveLoss,
  pairs: readonly (typeof pair extends fc.Arbitrary<infer P> ? P : never)[],
) {
  const negatives = pairs.flatMap((one, owner) => one.negatives.map((negative) => ({ ...negative, owner })))
  const integers = (values: number[]) => i64([values.length], values)
  const floats = (values: number[]) => f32([values.length], values)
  const [queries, targets] = [pairs.map(({ query }) => query), pairs.map(({ target }) => target)]
  const scalars = { ...loss.parameters, ...loss.stepInputs(3, 10) }
  return {
    query_rows: integers(queries),
    query_group: integers(queries),
    target_rows: integers(targets),
    target_group: integers(targets),
    negative_rows: integers(negatives.map((one) => one.item)),
    negative_group: integers(negatives.map((one) => one.item)),
    negative_owner: integers(negatives.map(({ owner }) => owner)),
    teacher_targets: floats(pairs.map((one) => one.score)),
    teacher_negatives: floats(negatives.map((one) => one.score)),
    ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, f32([], [value])])),
  } satisfies Record<string, Tensor>
}

/**
 * The terms of a gradient are (p − 1) / temperature, where p may be 1 but for its last bit; the
 * lowest temperature here is 0.02.
 */
const ROUNDING = 2 ** -24 / 0.02

function largestOf(data: Iterable<number | bigint>): number {
  let largest = 0
  for (const value of data) largest = Math.max(largest, Math.abs(Number(value)))
  return largest
}

describe('chunks', () => {
  test.prop(
    [
      fc.constantFrom(...Object.keys(LOSSES)),
      fc.array(pair, { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(fc.integer({ min: 1, max: ITEMS - 1 }), { maxLength: 5 }),
    ],
    { numRuns: 150, seed: 15 },
  )('never change a gradient', async (name, pairs, cuts) => {
    const feeds = lossFeeds(LOSSES[name]!, pairs)
    const { whole, cached } = sessions[name]!
    const expected = stepResultOf(await runWith(whole, { ...feeds, features, weight }))
    const ends = [...cuts.sort((a, b) => a - b), ITEMS]
    const chunks = ends.map((end, i) => {
      const start = ends[i - 1] ?? 0
      const rows = features.data.slice(start * INNER, end * INNER)
      return sessionChunk(chunk, { weight }, { features: f32([end - start, INNER], rows) })
    })
    const found = await gradCache({ chunks, loss: sessionLoss(cached, feeds) })
    expect(found.loss).toBeCloseTo(expected.loss, 4)
    expect(Object.keys(found.gradients).sort()).toEqual(Object.keys(expected.gradients).sort())
    for (const [parameter, { data }] of Object.entries(expected.gradients))
      expect(found.gradients[parameter]!.data).toBeAllClose(data, {
        atol: 1e-5 * largestOf(data) + ROUNDING,
      })
  })
})
