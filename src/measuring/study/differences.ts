/** @file Paired differences of the models of a study. */

import type { BootstrapOptions } from '../../foundation/numeric/bootstrap.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { differenceOver, type Scope } from '../benchmark/summary.ts'
import type { Results } from '../report/results.ts'
import { comparedPair, finalState, type Outcome } from './outcome.ts'
import { comparedStates } from './pairs/comparisons.ts'

/**
 * The compared pair, or every comparison of a study of pairs, at every scope; the pair as it was
 * before tuning; then tuned − untuned, tuned − control and the last state − dual encoder at the
 * wider scopes.
 */
export function differencesOf(
  outcome: Outcome,
  scopes: readonly Scope[],
  options: BootstrapOptions,
): Results['differences'] {
  const { world, studied, baselines } = outcome
  const tasks: Scope[] = world.tasks.map(({ name }) => ({ kind: 'task', task: name }))
  const wide = scopes.filter(({ kind }) => kind !== 'shift')
  const between = (a: ModelScores, b: ModelScores, over: readonly Scope[]) =>
    over.flatMap((scope) => {
      const interval = differenceOver(a, b, scope, world.tasks, options)
      return interval === undefined ? [] : [{ a: a.model, b: b.model, scope, interval }]
    })
  const { sharedBase } = outcome
  const pair = sharedBase === undefined ? comparedPair(outcome) : undefined
  const before = pair?.flatMap(({ label }) => studied.find((one) => one.label === label) ?? [])
  const [first, second] = before?.filter(({ participant }) => participant.tuned !== undefined) ?? []
  const dual = baselines.find(({ role }) => role === 'dual-encoder')
  return [
    ...(sharedBase === undefined
      ? []
      : comparedStates(outcome, sharedBase).flatMap(({ a, b }) =>
          between(a.scores, b.scores, [...scopes, ...tasks]),
        )),
    ...(pair === undefined ? [] : between(pair[0].scores, pair[1].scores, [...scopes, ...tasks])),
    ...(first === undefined || second === undefined
      ? []
      : between(first.participant.plain.scores, second.participant.plain.scores, wide)),
    ...studied.flatMap(({ participant: { plain, tuned } }) =>
      tuned === undefined ? [] : between(tuned.state.scores, plain.scores, wide),
    ),
    ...studied.flatMap((each) =>
      each.control === undefined
        ? []
        : between(finalState(each).scores, each.control.scores, [...wide, ...tasks]),
    ),
    ...(dual === undefined
      ? []
      : studied.flatMap((each) => between(finalState(each).scores, dual.scores, wide))),
  ]
}
