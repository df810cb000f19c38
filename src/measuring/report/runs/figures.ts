/** @file Means, differences and flips of gathered runs. */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import { type Comparison, compareScores, meanDifference } from '../../benchmark/comparison/scores.ts'
import type { ModelScores } from '../../benchmark/evaluate.ts'
import { inScope, meanOver, scopesOf } from '../../benchmark/summary.ts'
import type { Results, Scope } from '../results.ts'
import type { FlipCounts, RunPage } from './form.ts'
import type { Gathered, GatheredModel, GatheredTask } from './gather.ts'
import { shared } from './shared.ts'
import { verdictOf } from './verdict.ts'

/** Tasks that a figure is taken over. */
interface Over {
  readonly scope: Scope
  readonly tasks: readonly GatheredTask[]
}

/** Published averages, kinds, shifts, all; none that says the same as a wider one. */
function scopesOver(tasks: readonly GatheredTask[]): Over[] {
  const signs = tasks.map(({ signs, shown }) => ({ ...signs, name: shown.name }))
  const averages = [...new Set(signs.flatMap((task) => task.averages))]
  const over = (scope: Scope, holds: (task: (typeof signs)[number]) => boolean): Over => ({
    scope,
    tasks: tasks.filter((_, i) => holds(signs[i]!)),
  })
  const kinds = scopesOf(signs)
    .filter(({ kind }) => kind !== 'in-domain')
    .map((scope) => over(scope, (task) => inScope(scope, task)))
  const all = kinds.filter(({ scope }) => scope.kind === 'all')
  const single = new Set(signs.map(({ shift }) => shift)).size === 1
  return [
    ...averages.map((average) =>
      over({ kind: 'average', average }, (task) => task.averages.includes(average)),
    ),
    ...kinds.filter(({ scope }) => scope.kind !== 'all' && !(single && scope.kind === 'shift')),
    ...all,
  ]
}

const namesOf = ({ tasks }: Pick<Over, 'tasks'>) => new Set(tasks.map(({ shown }) => shown.name))

function within({ model, tasks }: ModelScores, names: ReadonlySet<string>): ModelScores | undefined {
  const kept = tasks.filter(({ task }) => names.has(task))
  return names.size > 0 && kept.length === names.size ? { model, tasks: kept } : undefined
}

/** Means of every model over every scope that it was scored on as a whole. */
function meansOf({ models, tasks }: Gathered, options: BootstrapOptions): Results['means'] {
  const signs = tasks.map(({ signs, shown }) => ({ ...signs, name: shown.name }))
  return models.flatMap(({ scores, run, own }) =>
    scopesOver(tasks).flatMap((over) => {
      const names = namesOf(over)
      // The run's own mean is the same number, made already.
      const known = run.results.means.find(
        (mean) =>
          mean.model === own &&
          mean.tasks.length === names.size &&
          mean.tasks.every((name) => names.has(name)),
      )
      const kept = within(scores, names)
      const hit1 =
        kept &&
        (known?.hit1 ??
          meanOver(
            kept,
            { kind: 'all' },
            signs.filter(({ name }) => names.has(name)),
            options,
          ))
      return hit1 === undefined ? [] : [{ model: scores.model, scope: over.scope, hit1 }]
    }),
  )
}

/** `a` − `b` over scopes, and over single tasks where `tasks` is asked for. */
function differencesOf(
  a: ModelScores,
  b: ModelScores,
  overs: readonly Over[],
  options: BootstrapOptions,
): Results['differences'] {
  return overs.flatMap((over) => {
    const [first, second] = [within(a, namesOf(over)), within(b, namesOf(over))]
    if (first === undefined || second === undefined) return []
    const { difference } = meanDifference(first, second, options)
    return [{ a: a.model, b: b.model, scope: over.scope, interval: difference }]
  })
}

/** Figures of a page, and its models in the order of the page: the compared pair first. */
export interface Figures extends Pick<RunPage, 'means' | 'differences' | 'flips' | 'verdict'> {
  readonly models: readonly GatheredModel[]
}

export function figuresOf(all: Gathered, options: BootstrapOptions): Figures {
  const overs = scopesOver(all.tasks)
  const single: Over[] = all.tasks.map((task) => ({
    scope: { kind: 'task', task: task.shown.name },
    tasks: [task],
  }))
  const means = meansOf(all, options)
  const overall = (model: GatheredModel) =>
    means.find(({ model: id, scope }) => id === model.scores.model && scope.kind === 'all')?.hit1.value ?? -1
  const subjects = all.models.filter(({ isBaseline }) => !isBaseline)
  const baselines = all.models.filter(({ isBaseline }) => isBaseline)
  // Two models stay as they were named; of more, the best one is compared with each.
  const ranked = subjects.length > 2 ? subjects.toSorted((a, b) => overall(b) - overall(a)) : subjects
  const [first, second] = ranked
  const others = [...ranked.slice(1), ...baselines]
  const differences =
    first === undefined
      ? []
      : others.flatMap((other) =>
          differencesOf(
            first.scores,
            other.scores,
            other === second ? [...overs, ...single] : overs,
            options,
          ),
        )
  const comparison =
    first !== undefined && second !== undefined ? comparisonOf(first, second, options) : undefined
  return {
    models: [...ranked, ...baselines],
    means,
    differences,
    flips:
      comparison === undefined || first === undefined || second === undefined
        ? []
        : flipsOf(first, second, comparison),
    verdict: verdictOf({ ranked, baselines, comparison, tasks: all.tasks, means, options }),
  }
}

function comparisonOf(a: GatheredModel, b: GatheredModel, options: BootstrapOptions): Comparison | undefined {
  const [first, second] = shared(a.scores, b.scores)
  return first.tasks.length === 0 ? undefined : compareScores(first, second, options)
}

/** A tied query counts as found where the right answer is likelier than not to come first. */
function flipsOf(a: GatheredModel, b: GatheredModel, { tasks }: Comparison): FlipCounts[] {
  return tasks.map(({ task, queries, test, adjusted, detectable }) => {
    const rowsOf = ({ scores }: GatheredModel) => scores.tasks.find((one) => one.task === task)!.rows
    const [first, second] = [rowsOf(a), rowsOf(b)]
    const count = (inA: boolean, inB: boolean) =>
      first.filter(({ hit1 }, i) => hit1 > 0.5 === inA && second[i]!.hit1 > 0.5 === inB).length
    return {
      task,
      queries,
      both: count(true, true),
      onlyA: count(true, false),
      onlyB: count(false, true),
      neither: count(false, false),
      p: test.p,
      adjusted,
      detectable: Number.isFinite(detectable) ? detectable : null,
    }
  })
}
