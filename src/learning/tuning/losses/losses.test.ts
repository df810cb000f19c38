/**
 * @file Every loss against a plain formula in f64: values on random batches, gradients by finite
 * differences.
 */

import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { type Batch, type Matrix, run, WIDTH } from '../../../../test/loss-run.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import type { Scalars } from './loss.ts'
import { makeLoss } from './make.ts'
import { type LossSettings, lossSettings } from './settings.ts'

const rows = (name: string, count: number): Matrix =>
  Array.from({ length: count }, (_, i) =>
    Array.from(fillNormal(new Float32Array(WIDTH), 1, stream(3, name, i))),
  )

/**
 * Pairs 1 and 3 share a target, 0 and 4 a query; negative 0 is the target of pair 2; pair 4 has no
 * teacher.
 */
const batch: Batch = {
  queries: rows('q', 5),
  targets: rows('t', 5),
  negatives: rows('n', 4),
  queryGroups: [10, 11, 12, 13, 10],
  targetGroups: [0, 1, 2, 1, -1],
  negativeGroups: [2, 5, -1, 7],
  negativeOwner: [0, 2, 2, 4],
  teacher: { targets: [0.8, 0.5, 0.6, 0.5, Number.POSITIVE_INFINITY], negatives: [0.79, 0.7, 0.1, 0.9] },
}

const unit = (x: number[]) => x.map((value) => value / Math.hypot(...x))
const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
const same = (a: number, b: number) => a >= 0 && a === b

/** The losses as their papers write them, sum by sum. */
function reference(settings: LossSettings, batch: Batch, scalars: Scalars): number {
  const { matryoshka, ...plain } = settings
  if (matryoshka !== null) {
    const { dims, weights } = matryoshka
    const cut = (matrix: Matrix, dim: number) => matrix.map((x) => x.slice(0, dim))
    const parts = dims.map((dim, i) => {
      const short = {
        ...batch,
        queries: cut(batch.queries, dim),
        targets: cut(batch.targets, dim),
        negatives: cut(batch.negatives, dim),
      }
      return (weights?.[i] ?? 1) * reference({ ...plain, matryoshka: null }, short, scalars)
    })
    return parts.reduce((a, b) => a + b)
  }
  const [q, t, n] = [batch.queries.map(unit), batch.targets.map(unit), batch.negatives.map(unit)]
  const { margin } = settings
  const temperature = settings.temperature ?? (settings.name === 'sigmoid' ? undefined : 0.02)
  const scale = typeof temperature === 'number' ? 1 / temperature : Math.exp(scalars.log_scale ?? Number.NaN)
  const masks = settings.falseNegatives === 'mask'
  const tooNear = (i: number, cosine: number) =>
    margin !== null && margin.own !== null && cosine > dot(q[i]!, t[i]!) + margin.own
  const tooGood = (k: number) => {
    if (margin === null || margin.teacher === null) return false
    const target = batch.teacher.targets[batch.negativeOwner[k]!]!
    const limit = typeof margin.teacher === 'number' ? target - margin.teacher : target * margin.teacher.share
    return batch.teacher.negatives[k]! > limit
  }
  const sameTarget = (i: number, j: number) => masks && same(batch.targetGroups[i]!, batch.targetGroups[j]!)
  /** Cosines of the wrong answers of pair `i`, from its query. */
  const wrong = (i: number) => [
    ...t.flatMap((x, j) => (j === i || sameTarget(i, j) ? [] : [dot(q[i]!, x)])),
    ...n.flatMap((x, k) => {
      const own = batch.negativeOwner[k] === i
      const right = masks && same(batch.targetGroups[i]!, batch.negativeGroups[k]!)
      const leaves = right || (own && tooGood(k)) || (!own && settings.negatives === 'own')
      return leaves ? [] : [dot(q[i]!, x)]
    }),
  ]
  const otherQueries = (i: number) =>
    q.flatMap((x, j) => {
      const asksTheSame = masks && same(batch.queryGroups[i]!, batch.queryGroups[j]!)
      return j === i || sameTarget(i, j) || asksTheSame ? [] : [dot(q[i]!, x)]
    })
  const otherTargets = (i: number) =>
    t.flatMap((x, j) => (j === i || sameTarget(i, j) ? [] : [dot(t[i]!, x)]))
  const near = (i: number, cosines: number[]) => cosines.filter((cosine) => !tooNear(i, cosine))
  const own = (i: number) => dot(q[i]!, t[i]!)
  if (settings.name === 'sigmoid') {
    const each = (cosine: number, sign: number) =>
      Math.log(1 + Math.exp(-sign * (scale * cosine + scalars.bias!)))
    return mean(q.map((_, i) => near(i, wrong(i)).reduce((sum, x) => sum + each(x, -1), each(own(i), 1))))
  }
  const contrast = (i: number, cosines: number[]) => {
    const others = near(i, cosines).reduce((sum, x) => sum + Math.exp(scale * x), 0)
    return -Math.log(Math.exp(scale * own(i)) / (Math.exp(scale * own(i)) + others))
  }
  const { symmetric, queryQuery, targetTarget } = settings
  const asked = mean(
    q.map((_, i) =>
      contrast(i, [
        ...wrong(i),
        ...(queryQuery ? otherQueries(i) : []),
        ...(targetTarget && !symmetric ? otherTargets(i) : []),
      ]),
    ),
  )
  if (!symmetric) return asked
  const answered = mean(
    t.map((_, i) => {
      const queries = q.flatMap((x, j) => (j === i || sameTarget(i, j) ? [] : [dot(t[i]!, x)]))
      return contrast(i, [...queries, ...(targetTarget ? otherTargets(i) : [])])
    }),
  )
  return (asked + answered) / 2
}

const CASES: [string, z.input<typeof lossSettings>][] = [
  ['defaults', { temperature: 0.5 }],
  ['false negatives kept', { temperature: 0.5, falseNegatives: 'keep' }],
  ['symmetric', { temperature: 0.5, symmetric: true }],
  ['own negatives', { temperature: 0.5, negatives: 'own' }],
  ['query–query', { temperature: 0.5, queryQuery: true }],
  ['target–target', { temperature: 0.5, targetTarget: true }],
  ['all terms', { temperature: 0.5, queryQuery: true, targetTarget: true, symmetric: true }],
  ['all terms, all kept', { temperature: 0.5, queryQuery: true, targetTarget: true, falseNegatives: 'keep' }],
  ['margin of a teacher', { temperature: 0.5, margin: { teacher: 0.05 } }],
  ["share of a teacher's score", { temperature: 0.5, margin: { teacher: { share: 1.1 } } }],
  ['margin of its own', { temperature: 0.5, margin: { own: 0.1 }, queryQuery: true, symmetric: true }],
  ['margin below the target', { temperature: 0.5, margin: { own: -0.2 }, targetTarget: true }],
  ['temperature that falls', { temperature: { start: 0.9, end: 0.3, share: 0.6 } }],
  ['learned temperature', { temperature: { learned: 0.4 }, symmetric: true }],
  ['Matryoshka', { temperature: 0.5, matryoshka: { dims: [2, 6, 4], weights: [0.5, 2, 1] } }],
  ['sigmoid', { name: 'sigmoid', temperature: { learned: 0.4 }, bias: -0.5 }],
  ['sigmoid, own negatives, margin', { name: 'sigmoid', negatives: 'own', bias: -1, margin: { own: 0.1 } }],
  ['sigmoid, Matryoshka', { name: 'sigmoid', bias: 1, temperature: 0.5, matryoshka: { dims: [3] } }],
]

const scalarsOf = (settings: LossSettings): Scalars => {
  const loss = makeLoss(settings)
  return { ...loss.parameters, ...loss.stepInputs(3, 10) }
}
const expectedLoss = (settings: LossSettings, at = batch, scalars = scalarsOf(settings)) =>
  reference(settings, at, scalars)

describe.each(CASES)('%s', (_, given) => {
  const settings = lossSettings.parse(given)

  test('the value is the formula’s', async () => {
    const found = await run(settings, batch)
    expect(found.loss).toBeCloseTo(expectedLoss(settings), 5)
  })

  test('gradients are those of finite differences', async () => {
    const found = await run(settings, batch)
    const slope = (at: (delta: number) => number) => (at(1e-5) - at(-1e-5)) / 2e-5
    for (const name of ['queries', 'targets', 'negatives'] as const) {
      const expected = batch[name].flatMap((x, row) =>
        x.map((_, column) =>
          slope((delta) => {
            const moved = batch[name].map((y, i) =>
              y.map((value, j) => (i === row && j === column ? value + delta : value)),
            )
            return expectedLoss(settings, { ...batch, [name]: moved })
          }),
        ),
      )
      expect(found.gradient(name)).toBeAllClose(expected, { atol: 2e-5 })
    }
    for (const [name, value] of Object.entries(makeLoss(settings).parameters)) {
      const expected = slope((delta) =>
        expectedLoss(settings, batch, { ...scalarsOf(settings), [name]: value + delta }),
      )
      expect(found.gradient(name)).toBeAllClose([expected], { atol: 2e-5 })
    }
  })
})

test('every setting makes a difference on this batch', () => {
  const losses = CASES.map(([, given]) => expectedLoss(lossSettings.parse(given)).toFixed(6))
  expect(new Set(losses).size).toBe(CASES.length)
})

describe('figures', () => {
  const axis = (at: number) => Array.from({ length: WIDTH }, (_, i) => Number(i === at))
  const plain = (queries: Matrix, targets: Matrix, negatives: Matrix = []): Batch => ({
    queries,
    targets,
    negatives,
    queryGroups: queries.map((_, i) => i),
    targetGroups: targets.map((_, i) => i),
    negativeGroups: negatives.map(() => -1),
    negativeOwner: negatives.map(() => 0),
    teacher: { targets: targets.map(() => 1), negatives: negatives.map(() => 0) },
  })
  const settings = lossSettings.parse({ temperature: 0.5 })

  test('orthogonal pairs without hard negatives: the closed form, all right', async () => {
    const found = await run(settings, plain([axis(0), axis(1)], [axis(0), axis(1)]))
    expect(found.loss).toBeCloseTo(Math.log(1 + Math.exp(-2)), 6)
    expect(found).toMatchObject({ accuracy: 1, candidates: 2 })
    expect(found.gradient('negatives')).toEqual([])
  })

  test('a candidate as near as the target is not right: equal vectors score 0', async () => {
    const found = await run(settings, plain([axis(0), axis(0)], [axis(0), axis(0)]))
    expect(found.accuracy).toBe(0)
  })

  test('a hard negative that is nearer makes one of two wrong', async () => {
    const queries = [axis(0), axis(1)]
    const found = await run(settings, plain(queries, [[1, 1, 0, 0, 0, 0], axis(1)], [axis(0)]))
    expect(found).toMatchObject({ accuracy: 0.5, candidates: 3 })
  })

  test('masked candidates are not counted, and one pair alone has loss 0', async () => {
    const batch = { ...plain([axis(0), axis(1)], [axis(0), axis(1)]), targetGroups: [4, 4] }
    const masked = await run(settings, batch)
    expect(masked).toMatchObject({ accuracy: 1, candidates: 1 })
    expect(masked.loss).toBeCloseTo(0, 10)
    const alone = await run(settings, plain([axis(0)], [axis(1)]))
    expect(alone.candidates).toBe(1)
    expect(alone.loss).toBeCloseTo(0, 10)
  })
})
