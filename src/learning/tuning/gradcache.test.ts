/** @file A batch by chunks gives the gradients of the whole batch. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { compile } from '../../engine/graph/compile.ts'
import { tanh } from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { linear, matMul } from '../../engine/graph/matmul.ts'
import { l2Normalize } from '../../engine/graph/reduction.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { gradientGraph, stepResultOf } from '../training/gradient.ts'
import { chunkGraphs, gradCache, sessionChunk, sessionLoss, vectorLossGraph } from './gradcache.ts'
import { graphScalars } from './losses/loss.ts'
import { makeLoss } from './losses/make.ts'
import { lossSettings } from './losses/settings.ts'

const [PAIRS, INNER, DIM] = [7, 6, 5]
const random = (name: string, ...dims: number[]) =>
  f32(dims, fillNormal(new Float32Array(dims.reduce((a, b) => a * b)), 0.7, stream(1, name)))
const parameters: NamedArrays = { tower: random('tower', INNER, INNER), shared: random('shared', DIM, INNER) }
const inputs: Record<'query' | 'target', Tensor<'f32'>> = {
  query: random('q', PAIRS, INNER),
  target: random('t', PAIRS, INNER),
}
const contrast = makeLoss(lossSettings.parse({ temperature: 0.02 }))

/** Queries go through a tower that targets don't have; both share the last layer. */
function vectors(graph: Graph, side: 'query' | 'target'): Value<'f32'> {
  const x = graph.input(`${side}_features`, 'f32', ['pairs', INNER])
  const seen = side === 'query' ? tanh(matMul(x, graph.parameter('tower', 'f32', [INNER, INNER], 'fed'))) : x
  return l2Normalize(tanh(linear(seen, graph.parameter('shared', 'f32', [DIM, INNER], 'fed'))))
}

const open = (compiled: ReturnType<typeof compile>) =>
  openSession(compiled, { weights: memoryWeights({}), thread: 'caller' })
const rowsOf = ({ data }: Tensor<'f32'>, start: number, count: number) =>
  f32([count, INNER], data.slice(start * INNER, (start + count) * INNER))

const sessions: Session[] = []
let sides: Record<'query' | 'target', { forward: Session; backward: Session }>
let loss: Session
let whole: ReturnType<typeof stepResultOf>
beforeAll(async () => {
  const opened = async (compiled: ReturnType<typeof compile>) => {
    const session = await open(compiled)
    sessions.push(session)
    return session
  }
  const side = async (name: 'query' | 'target') => {
    const { forward, backward } = chunkGraphs((graph) => ({ [name]: vectors(graph, name) }))
    return { forward: await opened(forward), backward: await opened(backward) }
  }
  sides = { query: await side('query'), target: await side('target') }
  const { compiled } = gradientGraph((graph) =>
    contrast.build({
      ...graphScalars(graph),
      queries: vectors(graph, 'query'),
      targets: vectors(graph, 'target'),
    }),
  )
  whole = stepResultOf(
    await (await opened(compiled)).run({
      query_features: inputs.query,
      target_features: inputs.target,
      ...parameters,
    }),
  )
  const dims = ['pairs', DIM]
  loss = await opened(
    vectorLossGraph({ query: dims, target: dims }, (graph, { query, target }) =>
      contrast.build({ ...graphScalars(graph), queries: query!, targets: target! }),
    ),
  )
})
afterAll(async () => {
  for (const session of sessions) await session.close()
})

const chunked = (size: number) => {
  const starts = Array.from({ length: Math.ceil(PAIRS / size) }, (_, i) => i * size)
  return (['query', 'target'] as const).flatMap((name) =>
    starts.map((start) =>
      sessionChunk(sides[name], parameters, {
        [`${name}_features`]: rowsOf(inputs[name], start, Math.min(size, PAIRS - start)),
      }),
    ),
  )
}

describe('GradCache', () => {
  test.each([1, 2, 3, 7])('in chunks of %i equals the whole batch', async (size) => {
    const found = await gradCache({ chunks: chunked(size), loss: sessionLoss(loss) })
    expect(found.loss).toBeCloseTo(whole.loss, 4)
    expect(Object.keys(found.gradients).sort()).toEqual(['shared', 'tower'])
    for (const [name, expected] of Object.entries(whole.gradients)) {
      const largest = expected.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(found.gradients[name]!.data).toBeAllClose(expected.data, { atol: 2e-6 * largest })
    }
    expect(found.cache.query!.dims).toEqual([PAIRS, DIM])
  })

  test('needs the negatives of other chunks: the mean over chunks is another gradient', async () => {
    const apart = await Promise.all(
      [0, 3].map((start) =>
        gradCache({
          chunks: (['query', 'target'] as const).map((name) =>
            sessionChunk(sides[name], parameters, { [`${name}_features`]: rowsOf(inputs[name], start, 3) }),
          ),
          loss: sessionLoss(loss),
        }),
      ),
    )
    const mean = apart[0]!.gradients.shared!.data.map(
      (value, i) => (value + apart[1]!.gradients.shared!.data[i]!) / 2,
    )
    expect(mean).not.toBeAllClose(whole.gradients.shared!.data, { atol: 1e-2 })
  })
})
