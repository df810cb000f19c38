/** @file Compares models of finished runs: the first with each other one, or named couples. */

import type { Interval } from '../../../foundation/numeric/bootstrap.ts'
import { holm, signFlipTest, signTest } from '../../../foundation/numeric/significance.ts'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { BenchmarkError } from '../errors.ts'
import type { TaskScores } from '../evaluate.ts'
import { metricLabels } from '../metrics.ts'
import { FlipCollector } from './flips.ts'
import { type JoinedTask, joinRuns, type LeftRows } from './join.ts'
import { openOperands, type RunOperand } from './operands.ts'
import type { ComparedOutcome, ComparedPair, ComparisonReport } from './report.ts'
import { type CompareOptions, compareScores, compareUnpaired, type Difference, metricOf } from './scores.ts'
import { verdictOf } from './verdict.ts'

export interface CompareRunsOptions extends Omit<CompareOptions, 'seed'> {
  /** Of the intervals. Default 0. */
  seed?: number
  /** Compares the rows and tasks that all have, where they differ; says how many are left. */
  common?: boolean
  /** Takes the rows for different draws of the same tasks: see `compareUnpaired`. */
  unpaired?: boolean
  /** Queries that are shown of each kind of flip, task and pair. Default 10. */
  flips?: number
  /**
   * Places of the operands that are compared. Each couple then has a randomisation test of its mean
   * over all tasks, adjusted for the number of couples. Default: the first with each other one,
   * without that test.
   */
  couples?: readonly Couple[]
}

type Couple = readonly [reference: number, model: number]

/**
 * @param operands `RUN` or `RUN:MODEL`; the first model is the reference unless `couples` says more
 * @throws BenchmarkError `benchmark/nothing-to-compare`, `benchmark/no-metric`; as `openOperands`
 *   and `joinRuns`
 * @example
 * const { pairs } = await compareRuns(['before', 'after'], { seed: 7 })
 * console.log(pairs[0]?.verdict)
 */
export async function compareRuns(
  operands: readonly string[],
  options: CompareRunsOptions = {},
): Promise<ComparisonReport> {
  const {
    metric = 'hit1',
    seed = 0,
    resamples = 2000,
    confidence = 0.95,
    power = 0.8,
    common = false,
    unpaired = false,
    flips: most = 10,
    couples,
  } = options
  const label = labelOf(metric)
  const models = await openOperands(operands)
  if (models.length < 2) {
    throw new BenchmarkError('nothing-to-compare', {
      message: `one model to compare: ${models.map((one) => one.label).join()}`,
      hint: 'Name two runs, or two models of one: bifocal compare RUN:MODEL RUN:MODEL.',
    })
  }
  const { tasks, left } = unpaired ? await drawsOf(models) : await joinRuns(models, { common })
  const settings: CompareOptions = { metric, seed, resamples, confidence, power }
  const collector = new FlipCollector()
  const pairs: ComparedPair[] = []
  const all = couples ?? models.slice(1).map((_, i): Couple => [0, i + 1])
  for (const couple of all) {
    const [reference, model] = [models[couple[0]]!, models[couple[1]]!]
    const compare = (some: readonly JoinedTask[]) => differenceOf(some, couple, { ...settings, unpaired })
    const compared = tasks.map((one) => {
      const { scores, task } = one
      const { rows } = scores[couple[1]]!
      return {
        task: task.name,
        queries: rows.length,
        clusters: new Set(rows.map(({ cluster }) => cluster)).size,
        ...compare([one]),
        test: unpaired ? null : testOf(one, couple, metric),
      }
    })
    const means = meansOf(tasks, reference).map((one) => ({
      name: one.name,
      label: one.label,
      tasks: one.tasks.map(({ task }) => task.name),
      ...compare(one.tasks),
    }))
    const overall = compare(tasks)
    const flips: ComparedPair['flips'] = []
    if (!unpaired)
      for (const one of tasks) flips.push(await collector.of(one, models, couple, { metric, most }))
    pairs.push({
      reference: reference.id,
      model: model.id,
      outcome: overall.outcome,
      ...(couples !== undefined && !unpaired && { test: meanTest(tasks, couple, settings) }),
      verdict: verdictOf(overall, {
        reference: reference.label,
        model: model.label,
        metric: label,
        tasks: tasks.map(({ task }) => task.name),
        queries: compared.reduce((sum, { queries }) => sum + queries, 0),
        confidence,
      }),
      tasks: compared,
      means,
      flips,
    })
  }
  return {
    version: 1,
    kind: 'comparison',
    metric: { name: metric, label },
    setting: { seed, resamples, confidence, power, common, unpaired },
    models: models.map(({ id, label: own, runName, model }) => ({
      id,
      label: own,
      run: runName,
      family: model.family,
      objective: model.objective,
      attention: model.attention,
      readout: model.readout,
      fingerprint: model.fingerprint,
    })),
    tasks: tasks.map(({ task, scores }) => ({
      name: task.name,
      suite: task.suite,
      metaTask: task.metaTask,
      domain: task.domain,
      shift: task.shift,
      averages: task.averages,
      chance: task.chance,
      queries: scores[0]!.rows.length,
      outOf: task.queries,
    })),
    left: [...left],
    scores: models.flatMap(({ id }, at) =>
      tasks.map(({ task, scores }) => ({ model: id, task: task.name, value: meanOf(scores[at]!, metric) })),
    ),
    pairs: adjusted(pairs),
    pictures: collector.pictures,
  }
}

function labelOf(metric: string): string {
  const known = metricLabels()
  const found = known.find(({ name }) => name === metric)
  if (found !== undefined) return found.label
  const names = known.map(({ name }) => name)
  const near = suggestion(metric, names)
  throw new BenchmarkError('no-metric', {
    message: `there is no metric ${metric}; there are ${names.join(', ')}`,
    hint: near === undefined ? 'Name one of these.' : `Did you mean ${near}?`,
  })
}

/** Every task with the rows of each operand as they are. */
async function drawsOf(models: readonly RunOperand[]): Promise<{ tasks: JoinedTask[]; left: LeftRows[] }> {
  const all = await Promise.all(models.map(({ run, model }) => run.scores(model.id)))
  const tasks = all[0]!.tasks.flatMap(({ task }): JoinedTask[] => {
    const scores = all.flatMap((one) => one.tasks.find((own) => own.task === task) ?? [])
    const signs = models[0]!.run.tasks.find(({ name }) => name === task)
    return scores.length === models.length && signs !== undefined ? [{ task: signs, scores }] : []
  })
  const names = new Set(all.flatMap((one) => one.tasks.map(({ task }) => task)))
  const left = [...names].flatMap((task): LeftRows[] => {
    if (tasks.some((one) => one.task.name === task)) return []
    const rows = all.flatMap((one) => one.tasks.find((own) => own.task === task)?.rows.length ?? [])
    const lacking = models.filter((_, at) => !all[at]!.tasks.some((own) => own.task === task))
    const reason = 'no such task'
    return lacking.map(({ id }) => ({ task, model: id, rows: Math.max(...rows), reason }))
  })
  if (tasks.length > 0) return { tasks, left }
  throw new BenchmarkError('other-tasks', {
    message: `${models.map(({ label }) => label).join(' and ')} have no task in common`,
    hint: 'Score them on the same tasks.',
  })
}

/** Over the mean of tasks. */
function differenceOf(
  tasks: readonly JoinedTask[],
  couple: Couple,
  { unpaired, ...options }: CompareOptions & { unpaired: boolean },
) {
  const [reference, model] = couple.map((place) => tasks.map(({ scores }) => scores[place]!)) as [
    TaskScores[],
    TaskScores[],
  ]
  const { difference, detectable }: Difference = unpaired
    ? compareUnpaired(model, reference, options)
    : compareScores({ model: 'model', tasks: model }, { model: 'reference', tasks: reference }, options).mean
  const overTasks = (side: readonly TaskScores[]) => mean(side.map((task) => meanOf(task, options.metric)))
  return {
    reference: overTasks(reference),
    model: overTasks(model),
    difference,
    detectable: Number.isFinite(detectable) ? detectable : null,
    outcome: outcomeOf(difference),
  }
}

function meanOf({ rows }: TaskScores, metric: string | undefined): number {
  return mean(rows.map((row) => metricOf(row, metric)))
}

function outcomeOf({ low, high }: Interval): ComparedOutcome {
  return low > 0 ? 'better' : high < 0 ? 'worse' : 'cannot-be-told'
}

function testOf({ scores }: JoinedTask, [reference, model]: Couple, metric: string) {
  const of = (place: number) => scores[place]!.rows.map((row) => metricOf(row, metric))
  const { a, b, p } = signTest(of(model), of(reference))
  const name = metric.toLowerCase().includes('hit') ? ('mcnemar' as const) : ('sign' as const)
  return { name, gained: a, lost: b, p, adjusted: p }
}

/** Signs of clusters are flipped: it asks no shape of the differences. */
function meanTest(
  tasks: readonly JoinedTask[],
  [reference, model]: Couple,
  { metric, seed }: Pick<CompareOptions, 'metric' | 'seed'>,
) {
  const differences = tasks.map(({ scores }) => {
    const others = scores[reference]!.rows
    const { rows } = scores[model]!
    return {
      values: rows.map((row, i) => metricOf(row, metric) - metricOf(others[i]!, metric)),
      clusters: rows.map(({ cluster }) => cluster),
    }
  })
  const p = signFlipTest(differences, { seed })
  return { name: 'sign-flip' as const, p, adjusted: p }
}

/** Holm's rule over all tasks of all pairs, and over the means of all pairs. */
function adjusted(pairs: readonly ComparedPair[]): ComparedPair[] {
  const ofMeans = holm(pairs.flatMap(({ test }) => test?.p ?? []))
  const tests = pairs.flatMap(({ tasks }) => tasks.flatMap(({ test }) => test?.p ?? []))
  const values = holm(tests)
  let next = 0
  return pairs.map((pair, i) => ({
    ...pair,
    // All pairs have a test of their mean, or none.
    ...(pair.test && { test: { ...pair.test, adjusted: ofMeans[i]! } }),
    tasks: pair.tasks.map((task) => ({
      ...task,
      test: task.test && { ...task.test, adjusted: values[next++]! },
    })),
  }))
}

interface NamedMean {
  readonly name: string
  readonly label: string
  readonly tasks: readonly JoinedTask[]
}

/** All compared tasks first, then the means of the reference's run that cover some of them. */
function meansOf(tasks: readonly JoinedTask[], { run, model }: RunOperand): NamedMean[] {
  const all: NamedMean = { name: 'all', label: `all ${tasks.length} tasks`, tasks }
  const named = run.results.means
    .filter((one) => one.model === model.id)
    .flatMap(({ name, label, tasks: covered }): NamedMean[] => {
      const own = tasks.filter(({ task }) => covered.includes(task.name))
      if (own.length === 0 || own.length === tasks.length) return []
      const part = own.length < covered.length ? ` (${own.length} of ${covered.length} tasks)` : ''
      return [{ name, label: `${label}${part}`, tasks: own }]
    })
  return [all, ...named]
}
