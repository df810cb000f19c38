/** @file The criteria of specs/twins.md §4, evaluated and said in plain words. */

import { type BootstrapOptions, bootstrapMean, type Interval } from '../../foundation/numeric/bootstrap.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import type { Task } from '../../inputs/data/task.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import { pixelsApply } from '../benchmark/pixels.ts'
import { differenceOver, inScope, meanOver, type Scope, scopesOf } from '../benchmark/summary.ts'
import { majorityOf } from '../benchmark/task.ts'
import { percent, percentRange, points } from '../report/format.ts'
import type { Results } from '../report/results.ts'
import { candidatesOf, finalState, type Outcome, type Studied } from './outcome.ts'

type Criterion = Results['criteria'][number]

/** With at most this many candidates, the bar is the commonest answer and a margin. */
const FEW = 8
const MARGIN = 0.05

export function criteriaOf(outcome: Outcome, options: BootstrapOptions): Criterion[] {
  const { tasks } = outcome.world
  const judged = tasks.filter((task) => task.shift === 'in' || task.name === 'cross-style')
  const controls = outcome.studied.flatMap((studied) => controlCriterion(outcome, studied, options))
  const meta = scopesOf(tasks)
    .filter((scope) => scope.kind === 'metaTask')
    .flatMap((scope) =>
      outcome.studied.flatMap((studied) => tuningCriterion(outcome, studied, scope, options)),
    )
  return [
    ...controls,
    ...meta,
    ...judged.flatMap((task) =>
      outcome.studied.map((studied) => taskCriterion(outcome, studied, task, options)),
    ),
  ]
}

/**
 * Small lists: lower end above max(majority, shuffled) + .05; longer ones: above max(shuffled,
 * pixels where they apply). Chance counts too: shuffled pictures lead away from the right answer
 * where it is among the candidates, and so fall below chance.
 */
function taskCriterion(
  { baselines }: Outcome,
  studied: Studied,
  task: Task,
  options: BootstrapOptions,
): Criterion {
  const { label, scores } = finalState(studied)
  const hit1 = intervalOf(scores, task, options)
  const { shuffled } = studied.participant
  const few = candidatesOf(task) <= FEW
  const pixels = baselines.find(({ role }) => role === 'pixels')
  const others: [string, number][] = few
    ? [['the commonest answer', majorityOf(task) ?? task.chance]]
    : pixels !== undefined && pixelsApply(task)
      ? [['raw pixels', pointOf(pixels.scores, task)]]
      : []
  const seeing: [string, number][] =
    shuffled === undefined ? [] : [['shuffled pictures', pointOf(shuffled, task)]]
  const rivals: [string, number][] = [...seeing, ...others, ['chance', task.chance]]
  const [name, best] = rivals.reduce((top, rival) => (rival[1] > top[1] ? rival : top))
  const bar = best + (few ? MARGIN : 0)
  return {
    name: `${label} sees more in ${task.name} than ${either(rivals.map(([rival]) => rival))} would give`,
    passed: hit1.low > bar,
    detail: `hit@1 ${percent(hit1.value)} % (95 %: ${percentRange(hit1)}); the bar is ${percent(bar)} %: ${name}${few ? ' and 5 points' : ''}.`,
  }
}

/** `a, b or c` */
function either(names: readonly string[]): string {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' or ')
}

/** Both intervals apart, the tuned one higher. */
function tuningCriterion(
  { world }: Outcome,
  { participant: { plain, tuned }, label }: Studied,
  scope: Scope,
  options: BootstrapOptions,
): Criterion[] {
  if (tuned === undefined) return []
  const over = (scores: ModelScores) =>
    meanOver(scores, scope, world.tasks, options) ?? { value: Number.NaN, low: Number.NaN, high: Number.NaN }
  const [before, after] = [over(plain.scores), over(tuned.state.scores)]
  return [
    {
      name: `Tuning improves the ${label} on ${scope.kind === 'metaTask' ? scope.metaTask : scope.kind}, outside the intervals`,
      passed: after.low > before.high,
      detail: `Mean hit@1 ${percent(before.value)} % (${percentRange(before)}) before, ${percent(after.value)} % (${percentRange(after)}) after.`,
    },
  ]
}

function controlCriterion({ world }: Outcome, studied: Studied, options: BootstrapOptions): Criterion[] {
  const { control, label } = studied
  if (control === undefined) return []
  const interval = differenceOver(
    finalState(studied).scores,
    control.scores,
    { kind: 'in-domain' },
    world.tasks,
    options,
  )
  if (interval === undefined) return []
  const count = world.tasks.filter((task) => inScope({ kind: 'in-domain' }, task)).length
  return [
    {
      name: `${label}: pretraining is worth something beyond the tower: the tuned model beats the same tuning of a random decoder`,
      passed: interval.low > 0,
      detail:
        `Difference of the mean hit@1 over ${count} in-domain tasks, in points: ` +
        `${points(interval.value)} (paired 95 %: ${points(interval.low)} to ${points(interval.high)}).`,
    },
  ]
}

function intervalOf(scores: ModelScores, { name }: Task, options: BootstrapOptions): Interval {
  const rows = scores.tasks.find(({ task }) => task === name)?.rows ?? []
  return bootstrapMean(
    rows.map(({ hit1 }) => hit1),
    rows.map(({ cluster }) => cluster),
    options,
  )
}

function pointOf(scores: ModelScores, { name }: Task): number {
  return mean((scores.tasks.find(({ task }) => task === name)?.rows ?? []).map(({ hit1 }) => hit1))
}
