/**
 * @file The paired differences of a study of pairs: every model and mask against the first model
 * under its own mask, and mask against mask within a model. Many are told at once, so that each has
 * to stand among all (Holm).
 */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import { holm, signFlipTest } from '../../../foundation/numeric/significance.ts'
import type { ModelScores } from '../../benchmark/evaluate.ts'
import { differenceOver, inScope, type Scope } from '../../benchmark/summary.ts'
import { points, pointsRange } from '../../report/format.ts'
import { excludesZero } from '../../report/lookup.ts'
import type { PairComparison } from '../../report/pairs.ts'
import { type Contender, finalState, type Outcome } from '../outcome.ts'
import type { SharedBase } from './base.ts'

/** Two states that are compared, `a` − `b`. */
export interface ComparedStates {
  readonly kind: PairComparison['kind']
  readonly a: Contender
  readonly b: Contender
}

/** Adjusted p-values of at most this are called real. */
const LEVEL = 0.05

/** The comparisons in the order of the report: models first, then masks. */
export function comparedStates(
  { studied }: Pick<Outcome, 'studied'>,
  { first, models }: SharedBase,
): ComparedStates[] {
  const byId = new Map(studied.map((each) => [each.participant.id, finalState(each)]))
  const reference = byId.get(first)
  if (reference === undefined) return []
  const states = models.map(({ id, masked }) => ({
    id,
    states: masked.flatMap((one) => byId.get(one) ?? []),
  }))
  return [
    ...states.flatMap(({ id, states: all }) =>
      id === first ? [] : all.map((a) => ({ kind: 'model' as const, a, b: reference })),
    ),
    ...states.flatMap(({ states: all }) =>
      all.flatMap((b, i) => all.slice(i + 1).map((a) => ({ kind: 'mask' as const, a, b }))),
    ),
  ]
}

/**
 * Interval, p-value and sentence of each comparison. A sentence says which is better only where the
 * interval excludes zero and the p-value stands among all; else that the two cannot be told apart.
 * @param scope of the means that are compared
 * @param over  the scope in words: `8 in-domain tasks`
 */
export function comparisonsOf(
  outcome: Outcome,
  base: SharedBase,
  { scope, over }: { scope: Scope; over: string },
  options: BootstrapOptions,
): PairComparison[] {
  const { tasks } = outcome.world
  const found = comparedStates(outcome, base).flatMap((states) => {
    const interval = differenceOver(states.a.scores, states.b.scores, scope, tasks, options)
    if (interval === undefined) return []
    return [{ ...states, interval, p: pOf(outcome, states, scope, options) }]
  })
  const adjusted = holm(found.map(({ p }) => p))
  return found.map(({ kind, a, b, interval, p }, i) => {
    const told = excludesZero(interval) && adjusted[i]! <= LEVEL
    const comparison = {
      kind,
      a: a.scores.model,
      b: b.scores.model,
      over,
      interval,
      p,
      adjusted: adjusted[i]!,
      told,
    }
    return { ...comparison, sentence: sentenceOf(comparison, [a, b], found.length) }
  })
}

function pOf({ world }: Outcome, { a, b }: ComparedStates, scope: Scope, { seed }: BootstrapOptions): number {
  const rowsOf = (scores: ModelScores, task: string) =>
    scores.tasks.find((one) => one.task === task)?.rows ?? []
  const tasks = world.tasks.filter((task) => inScope(scope, task))
  const differences = tasks.map(({ name }) => {
    const [first, second] = [rowsOf(a.scores, name), rowsOf(b.scores, name)]
    return {
      values: first.map(({ hit1 }, i) => hit1 - second[i]!.hit1),
      clusters: first.map(({ cluster }) => cluster),
    }
  })
  return signFlipTest(differences, { seed })
}

function sentenceOf(
  { interval, adjusted, told, over }: Omit<PairComparison, 'sentence'>,
  [a, b]: readonly [Contender, Contender],
  count: number,
): string {
  const range = `95 %: ${pointsRange(interval)}`
  if (told) {
    const [better, worse] = interval.value > 0 ? [a, b] : [b, a]
    const size = `${Math.abs(100 * interval.value).toFixed(1)} points of hit@1`
    return (
      `${better.label} embeds better than ${worse.label}, by ${size} over ${over} ` +
      `(${range}; p ${shown(adjusted)}).`
    )
  }
  const found = `${points(interval.value)} points over ${over} (${range}; p ${shown(adjusted)})`
  const among = excludesZero(interval) ? ` among ${count} comparisons` : ''
  return `${a.label} and ${b.label} cannot be told apart${among}: ${found}.`
}

function shown(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}
