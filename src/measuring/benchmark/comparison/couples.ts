/** @file Figures of couples of models: differences over tasks and means, and tests. */

import type { Interval } from '../../../foundation/numeric/bootstrap.ts'
import { holm } from '../../../foundation/numeric/significance.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import type { ModelScores, TaskScores } from '../evaluate.ts'
import type { JoinedTask } from './join.ts'
import type { RunOperand } from './operands.ts'
import type { ComparedOutcome, ComparedPair } from './report.ts'
import {
  type CompareOptions,
  type Comparison,
  compareCouples,
  compareUnpaired,
  type Difference,
  meanDifference,
  meanTest,
  metricOf,
} from './scores.ts'

/** Places of two operands. */
export type Couple = readonly [reference: number, model: number]

export interface JoinedCouples {
  readonly models: readonly RunOperand[]
  readonly tasks: readonly JoinedTask[]
  readonly couples: readonly Couple[]
  /** Whether the rows of the operands are different draws. */
  readonly unpaired: boolean
  /** Whether the mean over all tasks of a couple is tested too. */
  readonly meanTests: boolean
}

export type CoupleFigures = Pick<ComparedPair, 'outcome' | 'test' | 'tasks' | 'means'>

/** The figures of each couple, model − reference; Holm's rule is over all couples. */
export function figuresOf(joined: JoinedCouples, options: CompareOptions): CoupleFigures[] {
  const { tasks, couples, unpaired, meanTests } = joined
  const sides = couples.map(
    ([reference, model]) => [scoresAt(joined, model, tasks), scoresAt(joined, reference, tasks)] as const,
  )
  const comparisons = unpaired ? [] : compareCouples(sides, options)
  const tests = unpaired || !meanTests ? [] : sides.map(([now, old]) => meanTest(now, old, options))
  const adjusted = holm(tests)
  return couples.map((couple, i) => {
    const means = meansOf(joined, couple, comparisons[i], options)
    return {
      outcome: means[0]!.outcome,
      ...(tests[i] !== undefined && {
        test: { name: 'sign-flip' as const, p: tests[i], adjusted: adjusted[i]! },
      }),
      tasks: tasks.map((one, place) =>
        taskFigures(joined, couple, one, comparisons[i]?.tasks[place], options),
      ),
      means,
    }
  })
}

function taskFigures(
  joined: JoinedCouples,
  couple: Couple,
  one: JoinedTask,
  known: Comparison['tasks'][number] | undefined,
  options: CompareOptions,
): CoupleFigures['tasks'][number] {
  const { rows } = one.scores[couple[1]]!
  const name = (options.metric ?? 'hit1').toLowerCase().includes('hit') ? 'mcnemar' : 'sign'
  return {
    task: one.task.name,
    queries: rows.length,
    clusters: new Set(rows.map(({ cluster }) => cluster)).size,
    ...figures(joined, couple, [one], known, options),
    test:
      known === undefined
        ? null
        : { name, gained: known.test.a, lost: known.test.b, p: known.test.p, adjusted: known.adjusted },
  }
}

/** All compared tasks first, then the means of the reference's run that cover some of them. */
function meansOf(
  joined: JoinedCouples,
  couple: Couple,
  known: Comparison | undefined,
  options: CompareOptions,
): CoupleFigures['means'] {
  const { tasks, models } = joined
  const { run, model } = models[couple[0]]!
  const over = (
    name: string,
    label: string,
    some: readonly JoinedTask[],
    difference: Difference | undefined,
  ) => ({
    name,
    label,
    tasks: some.map(({ task }) => task.name),
    ...figures(joined, couple, some, difference, options),
  })
  const named = run.results.means
    .filter((one) => one.model === model.id)
    .flatMap(({ name, label, tasks: covered }) => {
      const own = tasks.filter(({ task }) => covered.includes(task.name))
      if (own.length === 0 || own.length === tasks.length) return []
      const part = own.length < covered.length ? ` (${own.length} of ${covered.length} tasks)` : ''
      return [over(name, `${label}${part}`, own, undefined)]
    })
  return [over('all', `all ${tasks.length} tasks`, tasks, known?.mean), ...named]
}

/** Over the mean of tasks. @param known the difference, where it was computed already */
function figures(
  joined: JoinedCouples,
  [reference, model]: Couple,
  tasks: readonly JoinedTask[],
  known: Difference | undefined,
  options: CompareOptions,
) {
  const [old, now] = [scoresAt(joined, reference, tasks), scoresAt(joined, model, tasks)]
  const { difference, detectable } =
    known ??
    (joined.unpaired ? compareUnpaired(now.tasks, old.tasks, options) : meanDifference(now, old, options))
  const overTasks = ({ tasks: side }: ModelScores) => mean(side.map((task) => meanOf(task, options.metric)))
  return {
    reference: overTasks(old),
    model: overTasks(now),
    difference,
    detectable: Number.isFinite(detectable) ? detectable : null,
    outcome: outcomeOf(difference),
  }
}

function scoresAt({ models }: JoinedCouples, place: number, tasks: readonly JoinedTask[]): ModelScores {
  return { model: models[place]!.label, tasks: tasks.map(({ scores }) => scores[place]!) }
}

/** Mean of the metric over the rows of a task. */
export function meanOf({ rows }: TaskScores, metric: string | undefined): number {
  return mean(rows.map((row) => metricOf(row, metric)))
}

function outcomeOf({ low, high }: Interval): ComparedOutcome {
  return low > 0 ? 'better' : high < 0 ? 'worse' : 'cannot-be-told'
}
