/** @file Scores that the models of a run have to reach: a gate of continuous integration. */

import { UsageError } from '../../../foundation/numeric/errors.ts'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import type { RunResults } from './files.ts'
import type { OpenedTask } from './opening.ts'
import { groupsOf } from './results.ts'

/** The score, from 0 to 1, that a task or a mean (`all`, `CLS`, `retrieval` …) has to reach. */
export interface ScoreLimit {
  readonly name: string
  readonly score: number
}

/** A model that misses a limit. */
export interface MissedLimit extends ScoreLimit {
  readonly model: string
  readonly value: number
}

/**
 * Refuses limits of other tasks and means than a run will have, before anything is computed.
 * @throws UsageError `usage/option`
 */
export function checkLimits(limits: readonly ScoreLimit[], opened: readonly OpenedTask[]): void {
  const tasks = opened.map(({ name }) => name)
  const means = opened.flatMap(({ open: { averages, task } }) => [...averages, ...groupsOf(task)])
  requireNames(limits, [...tasks, ...new Set(means)])
}

/**
 * The models that miss a limit, by the metric that is published for the task; baselines may.
 * @throws UsageError `usage/option` for a task or a mean that the run does not have
 */
export function missedLimits(results: RunResults, limits: readonly ScoreLimit[]): MissedLimit[] {
  const { models, scores, means } = results
  const own = new Set(models.filter(({ role }) => role === 'model').map(({ id }) => id))
  const figures = [...scores.map(({ task, ...rest }) => ({ name: task, ...rest })), ...means].filter(
    ({ model }) => own.has(model),
  )
  requireNames(limits, [...new Set(figures.map(({ name }) => name))])
  return limits.flatMap(({ name, score }) =>
    figures.flatMap((one) =>
      one.name === name && one.headline.value < score
        ? [{ name, score, model: one.model, value: one.headline.value }]
        : [],
    ),
  )
}

/** @throws UsageError `usage/option` */
function requireNames(limits: readonly ScoreLimit[], names: readonly string[]): void {
  for (const { name } of limits) {
    if (names.includes(name)) continue
    const meant = suggestion(name, names)
    throw new UsageError('option', {
      message: `a limit for "${name}": the run has no such task or mean`,
      hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}It has ${names.join(', ')}.`,
    })
  }
}
