/** @file Compares models of finished runs: the first with each other one, or named couples. */

import { BenchmarkError } from '../errors.ts'
import { metricLabel } from '../metrics.ts'
import type { RunModel } from '../run/files.ts'
import { type Couple, figuresOf, meanOf } from './couples.ts'
import { drawsOf } from './draws.ts'
import { FlipCollector } from './flips.ts'
import { joinRuns } from './join.ts'
import { openOperands, type RunOperand } from './operands.ts'
import type { ComparedPair, ComparisonReport } from './report.ts'
import type { CompareOptions } from './scores.ts'
import { verdictOf } from './verdict.ts'

export interface CompareRunsOptions extends Omit<CompareOptions, 'seed'> {
  /** Of the intervals. Default: that of the first operand's run, as its page has it. */
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
    resamples = 2000,
    confidence = 0.95,
    power = 0.8,
    common = false,
    unpaired = false,
    flips: most = 10,
    couples,
  } = options
  const label = metricLabel(metric)
  const models = await openOperands(operands)
  requireTwo(operands, models)
  const { seed = models[0]!.run.results.seed } = options
  const { tasks, left, notes } = unpaired
    ? await drawsOf(models)
    : { ...(await joinRuns(models, { common })), notes: [] }
  const settings: CompareOptions = { metric, seed, resamples, confidence, power }
  const all = couples ?? models.slice(1).map((_, i): Couple => [0, i + 1])
  const collector = new FlipCollector()
  const pairs: ComparedPair[] = []
  const joined = { models, tasks, couples: all, unpaired, meanTests: couples !== undefined }
  for (const [i, figures] of figuresOf(joined, settings).entries()) {
    const couple = all[i]!
    const [reference, model] = [models[couple[0]]!, models[couple[1]]!]
    const flips: ComparedPair['flips'] = []
    if (!unpaired)
      for (const one of tasks) flips.push(await collector.of(one, models, couple, { metric, most }))
    pairs.push({
      reference: reference.id,
      model: model.id,
      verdict: verdictOf(figures.means[0]!, {
        reference: reference.label,
        model: model.label,
        metric: label,
        tasks: tasks.map(({ task }) => task.name),
        queries: figures.tasks.reduce((sum, { queries }) => sum + queries, 0),
        confidence,
      }),
      ...figures,
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
    notes: [...notes, ...sameModels(models)],
    scores: models.flatMap(({ id }, at) =>
      tasks.map(({ task, scores }) => ({ model: id, task: task.name, value: meanOf(scores[at]!, metric) })),
    ),
    pairs,
    pictures: collector.pictures,
  }
}

/** @throws BenchmarkError `benchmark/nothing-to-compare` */
function requireTwo(words: readonly string[], models: readonly RunOperand[]): void {
  if (models.length > 1) return
  const [only] = models
  throw new BenchmarkError('nothing-to-compare', {
    message:
      words.length > 1
        ? `${words.join(' and ')} are one model, ${only?.label}: it has no difference to itself`
        : `one model to compare: ${only?.label}`,
    hint: 'Name two runs, or two models of one: bifocal compare RUN:MODEL RUN:MODEL.',
  })
}

/** A note for every model that has the vectors of the first one. */
function sameModels([first, ...others]: readonly RunOperand[]): string[] {
  return others.flatMap(({ label, model, run }) =>
    first !== undefined && run !== first.run && isSame(first.model, model)
      ? [`${label} is the same model as ${first.label}: weights and readout are equal`]
      : [],
  )
}

function isSame(a: RunModel, b: RunModel): boolean {
  return a.fingerprint !== null && a.fingerprint === b.fingerprint && a.role === b.role && a.id === b.id
}
