import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, i64, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { compile } from '../graph/compile.ts'
import { Graph, type Value } from '../graph/graph.ts'
import { openSession } from '../runtime/session.ts'
import { memoryWeights } from '../runtime/weights.ts'
import { type AttentionPattern, attend, attentionMask } from './attention.ts'

const random = (dims: number[], key: string): Tensor<'f32'> =>
  f32(dims, fillNormal(new Float32Array(sizeOf(dims)), 1, stream(1, key)))

/** Runs what `build` makes of the feeds; an i64 feed is declared as such. */
async function run(
  feeds: Record<string, Tensor>,
  build: (
    graph: Graph,
    input: (name: string) => Value<'f32'>,
    whole: (name: string) => Value<'i64'>,
  ) => Value,
): Promise<Tensor> {
  const graph = new Graph()
  const y = build(
    graph,
    (name) => graph.input(name, 'f32', feeds[name]!.dims),
    (name) => graph.input(name, 'i64', feeds[name]!.dims),
  )
  graph.output('y', y)
  const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })
  const results = await session.run(feeds)
  await session.close()
  return results.y!
}

/** Attention by the definition, in double precision. @param q `[batch, seq, heads, dim]` */
function attentionLoop(
  q: Tensor<'f32'>,
  k: Tensor<'f32'>,
  v: Tensor<'f32'>,
  seen: (b: number, i: number, j: number) => boolean,
): number[] {
  const [batch, queries, heads, dim] = q.dims.map(Number)
  const [, keys, groups] = k.dims.map(Number)
  const out: number[] = []
  for (let b = 0; b < batch!; b++) {
    for (let i = 0; i < queries!; i++) {
      for (let h = 0; h < heads!; h++) {
        const group = Math.floor((h * groups!) / heads!)
        const at = (x: Tensor<'f32'>, row: number, head: number, count: number, d: number) =>
          x.data[((b * x.dims[1]! + row) * count + head) * dim! + d]!
        const scores = Array.from({ length: keys! }, (_, j) => {
          let sum = 0
          for (let d = 0; d < dim!; d++) sum += at(q, i, h, heads!, d) * at(k, j, group, groups!, d)
          return seen(b, i, j) ? Math.exp(sum / Math.sqrt(dim!)) : 0
        })
        const total = scores.reduce((a, c) => a + c, 0)
        for (let d = 0; d < dim!; d++)
          out.push(scores.reduce((sum, score, j) => sum + (score / total) * at(v, j, group, groups!, d), 0))
      }
    }
  }
  return out
}

describe('attention', () => {
  const q = random([2, 5, 6, 4], 'q')
  const k = random([2, 5, 2, 4], 'k')
  const v = random([2, 5, 2, 4], 'v')
  // The second row has two padded keys at its end.
  const keep = i64([2, 5], [1, 1, 1, 1, 1, 1, 1, 1, 0, 0])
  const real = (b: number, j: number) => b === 0 || j < 3

  test.each<[AttentionPattern, (b: number, i: number, j: number) => boolean]>([
    ['causal', (b, i, j) => j <= i && real(b, j)],
    ['bidirectional', (b, _, j) => real(b, j)],
    [{ block: 2 }, (b, i, j) => Math.floor(j / 2) <= Math.floor(i / 2) && real(b, j)],
    [{ block: 1 }, (b, i, j) => j <= i && real(b, j)],
    [{ block: 9 }, (b, _, j) => real(b, j)],
  ])('%j, six query heads on two key heads, padded keys hidden', async (pattern, seen) => {
    const y = await run({ q, k, v, keep }, (graph, input, whole) =>
      attend(input('q'), input('k'), input('v'), attentionMask(graph, pattern, 5, whole('keep'))),
    )
    expect(y.dims).toEqual([2, 5, 24])
    expect(y.data).toBeAllClose(attentionLoop(q, k, v, seen), { atol: 2e-6 })
  })

  test('blocks are counted from the first real token, on whichever side the padding is', async () => {
    const left = i64([2, 5], [1, 1, 1, 1, 1, 0, 0, 1, 1, 1])
    const y = await run({ q, k, v, left }, (graph, input, whole) =>
      attend(input('q'), input('k'), input('v'), attentionMask(graph, { block: 2 }, 5, whole('left'))),
    )
    const blockOf = (b: number, i: number) => Math.floor((i - (b === 0 ? 0 : 2)) / 2)
    const expected = attentionLoop(
      q,
      k,
      v,
      (b, i, j) => blockOf(b, j) <= blockOf(b, i) && (b === 0 || j >= 2),
    )
    // The output of a padded query is undefined.
    const real = (values: ArrayLike<number | bigint>) =>
      Array.from(values, Number).filter((_, at) => at < 120 || at >= 168)
    expect(real(y.data)).toBeAllClose(real(expected), { atol: 2e-6 })
  })

  test('a mask of the caller is taken as it is', async () => {
    const only = f32(
      [1, 1, 5, 5],
      Float32Array.from({ length: 25 }, (_, at) => (at % 5 === 3 ? 0 : -1e9)),
    )
    const y = await run({ q, k, v, only }, (graph, input) =>
      attend(input('q'), input('k'), input('v'), attentionMask(graph, input('only'), 5)),
    )
    expect(y.data).toBeAllClose(
      attentionLoop(q, k, v, (_b, _i, j) => j === 3),
      { atol: 2e-6 },
    )
  })

  test('nothing is masked when all keys may be seen', () => {
    expect(attentionMask(new Graph(), 'bidirectional', 5)).toBeUndefined()
  })

  test('a row of padding only stays finite', async () => {
    const none = i64([2, 5], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
    const y = await run({ q, k, v, none }, (graph, input, whole) =>
      attend(input('q'), input('k'), input('v'), attentionMask(graph, 'causal', 5, whole('none'))),
    )
    expect(y.data.every((value) => Number.isFinite(Number(value)))).toBe(true)
  })
})
