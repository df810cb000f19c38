/**
 * @file Finding things in results: the compared pair, its controls, a mean or a difference over a
 * scope.
 */

import type { Interval, Measured, Results, ResultsModel, Scope } from './results.ts'

type Difference = Results['differences'][number]

/** The two models that the report is about, `a` − `b`. */
export interface Pair {
  a: ResultsModel
  b: ResultsModel
}

export function isSubject(model: ResultsModel): boolean {
  return model.role === 'twin' || model.role === 'checkpoint'
}

/** Models under study in one state, in the order of the results. */
export function subjects({ models }: Pick<Results, 'models'>, state: ResultsModel['state']): ResultsModel[] {
  return models.filter((model) => isSubject(model) && model.state === state)
}

/**
 * The pair of the headline: the first difference between tuned models of two objectives, else
 * between any two models under study.
 */
export function headlinePair(results: Pick<Results, 'models' | 'differences'>): Pair | undefined {
  const byId = new Map(results.models.map((model) => [model.id, model]))
  const pairs = results.differences.flatMap(({ a, b }) => {
    const pair = { a: byId.get(a), b: byId.get(b) }
    return pair.a && pair.b && isSubject(pair.a) && isSubject(pair.b) ? [{ a: pair.a, b: pair.b }] : []
  })
  return (
    pairs.find(({ a, b }) => a.state === 'tuned' && b.state === 'tuned' && a.objective !== b.objective) ??
    pairs.find(({ a, b }) => a.state === b.state) ??
    pairs[0]
  )
}

/** The models under study in their last state: tuned ones, else as they were. */
export function finalModels(results: Pick<Results, 'models'>): ResultsModel[] {
  const states = ['tuned', 'untuned', 'none'] as const
  return states.map((state) => subjects(results, state)).find((models) => models.length > 0) ?? []
}

/** The tuned form of an untuned model. */
export function tunedFormOf(
  { models }: Pick<Results, 'models'>,
  untuned: ResultsModel,
): ResultsModel | undefined {
  return models.find(
    (model) => model.of === untuned.id && model.state === 'tuned' && model.role === untuned.role,
  )
}

function sameScope(a: Scope, b: Scope): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** hit@1 of a model over a scope, if it was measured. */
export function meanOf(results: Measured, model: string, scope: Scope): Interval | undefined {
  if (scope.kind === 'task')
    return results.scores.find((score) => score.model === model && score.task === scope.task)?.hit1
  return results.means.find((mean) => mean.model === model && sameScope(mean.scope, scope))?.hit1
}

export function differenceOf(results: Measured, { a, b }: Pair, scope: Scope): Interval | undefined {
  return results.differences.find((one) => one.a === a.id && one.b === b.id && sameScope(one.scope, scope))
    ?.interval
}

/** Differences by pair, in the order of the results. */
export function differencesByPair(results: Measured): { a: string; b: string; rows: Difference[] }[] {
  const pairs = new Map<string, { a: string; b: string; rows: Difference[] }>()
  for (const one of results.differences) {
    const key = `${one.a}\n${one.b}`
    const pair = pairs.get(key) ?? { a: one.a, b: one.b, rows: [] }
    pair.rows.push(one)
    pairs.set(key, pair)
  }
  return [...pairs.values()]
}

/** Whether zero lies outside. */
export function excludesZero({ low, high }: Interval): boolean {
  return low > 0 || high < 0
}
