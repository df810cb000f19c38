/** @file Makes the data of a page from runs. */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import { metricLabels } from '../../benchmark/metrics.ts'
import type { EvalRun } from '../../benchmark/run/eval-run.ts'
import type { Results } from '../results.ts'
import { analysedOf } from './analysed.ts'
import { type ExplorerLimits, explorerOf } from './explorer.ts'
import { figuresOf } from './figures.ts'
import type { RunPage } from './form.ts'
import { type Gathered, type GatheredTask, gathered } from './gather.ts'

export interface RunPageOptions extends ExplorerLimits {
  /** Of intervals; default 2,000. */
  resamples?: number
}

/**
 * @param runs at least one, each with at least one model
 * @throws FileError; BenchmarkError
 */
export async function runPageOf(runs: readonly EvalRun[], options: RunPageOptions = {}): Promise<RunPage> {
  const seed = runs[0]?.results.seed ?? 0
  const all = await gathered(runs)
  const bootstrap: BootstrapOptions = { seed, ...(options.resamples && { resamples: options.resamples }) }
  const { models, means, differences, flips, verdict } = figuresOf(all, bootstrap)
  const tasks = all.tasks.map(({ shown }) => shown)
  return {
    title: titleOf(models.filter(({ isBaseline }) => !isBaseline).map(({ shown }) => shown.label)),
    byline: bylineOf(all),
    command: [...new Set(runs.map(({ results }) => results.command))].join(' && '),
    models: models.map(({ shown }) => shown),
    tasks,
    metrics: metricLabels(),
    scores: scoresOf(all),
    means,
    differences,
    notes: [...all.notes],
    ...(await analysedOf(models)),
    verdict,
    flips,
    explorer: await explorerOf(models, all.tasks, seed, options),
    made: [],
  }
}

function titleOf(labels: readonly string[]): string {
  if (labels.length <= 2) return labels.join(' and ') || 'Baselines'
  return `${labels.length} models`
}

function bylineOf({ models, tasks }: Gathered): string {
  const queries = tasks.reduce((sum, { signs }) => sum + signs.queries, 0)
  const some = (count: number, noun: string) =>
    `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
  const suites = [...new Set(tasks.map(({ signs }) => signs.suite))].map((suite) => SUITES[suite])
  const measured = `${some(tasks.length, 'task')} (${suites.join(', ')})`
  return `${some(models.length, 'model')}, ${measured}, ${queries.toLocaleString('en')} queries`
}

const SUITES = { embedded: 'embedded', mmeb: 'MMEB', own: 'own files' } as const satisfies Record<
  GatheredTask['signs']['suite'],
  string
>

/** The scores that stand in the runs. */
function scoresOf({ models, tasks }: Gathered): Results['scores'] {
  return models.flatMap(({ run, own, scores }) =>
    scores.tasks.flatMap(({ task }) => {
      const name = tasks.find(({ shown }) => shown.name === task)?.own
      const found = run.results.scores.find((score) => score.model === own && score.task === name)
      return found === undefined
        ? []
        : [{ model: scores.model, task, hit1: found.hit1, metrics: { ...found.metrics } }]
    }),
  )
}
