/**
 * @file Analyses the models of finished runs from their stored vectors, and over all of them which
 * measure predicts the score.
 */

import { z } from 'zod'
import { checkOptions, type OptionSchemas } from '../../foundation/files/options.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import { openOperands, type RunOperand } from '../benchmark/comparison/operands.ts'
import type { EvalRun } from '../benchmark/run/eval-run.ts'
import { analyseAlignment } from './alignment.ts'
import { type Analysis, emptyAnalysis, figuresOf } from './analysis.ts'
import { matrixOf } from './fused.ts'
import { type AnalysisOptions, analysisOptionSchemas, SEED } from './options.ts'
import { FEWEST_DRAWN, type Pairs, unitPairs } from './pairs.ts'
import { predictionOf, type ScoredModel } from './prediction.ts'
import { rescore } from './remedies/rescore.ts'
import { addRemedies } from './vectors.ts'

export interface AnalyzeRunsOptions extends AnalysisOptions {
  /** `RUN`, all its models with stored vectors, or `RUN:MODEL`. */
  runs: readonly string[]
  /** Pairs at most; default 2,000. */
  limit?: number
}

const schemas: OptionSchemas<AnalyzeRunsOptions> = {
  ...analysisOptionSchemas,
  runs: z.array(z.string().min(1)).min(1),
  limit: z.int().min(8),
}

const LIMIT = 2000

/** A query of a task, and its right candidate: one is a picture, the other a text. */
interface KeyPair {
  readonly image: string
  readonly text: string
}

/**
 * Measures the models of runs on the pairs of their tasks: query and right candidate, where one is
 * a picture and the other a text.
 * @throws UsageError `usage/option`, `usage/arguments`; BenchmarkError as `openRun`; AnalysisError;
 *   InterruptedError
 * @example const { prediction } = await analyzeRuns({ runs: ['out'] })
 */
export async function analyzeRuns(options: AnalyzeRunsOptions): Promise<Analysis> {
  checkOptions('analyzeRuns', schemas, options, ['runs'])
  const { seed = SEED, resamples, sample, limit = LIMIT, threads, signal, onProgress } = options
  const analysis = emptyAnalysis('runs', { seed, resamples, sample })
  analysis.inputs.push(...options.runs.map((name) => ({ role: 'run' as const, name })))
  const operands = await openOperands(options.runs)
  const tasks = commonTasks(operands)
  const subjects = distinct(operands, analysis)
  const scored: ScoredModel[] = []
  for (const [done, subject] of subjects.entries()) {
    onProgress?.({ label: 'measures', done, total: subjects.length })
    const { id, label, run, model } = subject
    const { pairs, clusters } = await pairsOf(subject, tasks, limit)
    if (pairs === undefined) {
      analysis.notes.push(
        `${id} has fewer than ${FEWEST_DRAWN} stored pairs of a picture and a text: it is left out`,
      )
      continue
    }
    const found = await analyseAlignment(pairs, { seed, resamples, sample, clusters, threads, signal })
    const figures = figuresOf(found)
    const count = clusters.length
    analysis.subjects.push({
      ...{ id, label, readout: model.readout, dim: pairs.images.dims[1]!, pairs: count, figures },
      sampled: Math.min(count, analysis.setting.sample),
      clusters: new Set(clusters).size,
    })
    const hits = run.results.scores.filter((one) => one.model === model.id && tasks.includes(one.task))
    if (options.remedies !== false) {
      const remedying = { seed, clusters, threads, signal }
      addRemedies(analysis, id, await rescore(unitPairs(pairs), remedying))
    }
    scored.push({
      id,
      score: mean(hits.map(({ hit1 }) => hit1.value)),
      figures: Object.fromEntries(figures.map(({ measure, interval }) => [measure, interval.value])),
    })
  }
  const score = `hit@1, mean over ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}`
  if (scored.length > 1)
    analysis.prediction = {
      score,
      models: scored.map((one) => ({ ...one, figures: { ...one.figures } })),
      rows: predictionOf(scored, { seed }),
    }
  return analysis
}

/** Each model once: over models, a second one of the same weights would count as new evidence. */
function distinct(subjects: readonly RunOperand[], analysis: Analysis): RunOperand[] {
  const first = new Map<string, string>()
  return subjects.filter(({ id, model: { role, fingerprint, readout } }) => {
    if (role !== 'model' || fingerprint === null) return true
    const key = JSON.stringify([fingerprint, readout])
    const before = first.get(key)
    if (before === undefined) first.set(key, id)
    else analysis.notes.push(`${id} is the model of ${before} again: it is left out`)
    return before === undefined
  })
}

/** @throws UsageError `usage/arguments` for runs that share no task with the same rows */
function commonTasks(subjects: readonly RunOperand[]): string[] {
  const ofModel = ({ run, model }: RunOperand) =>
    run.results.scores.filter((one) => one.model === model.id).map(({ task }) => task)
  const [first, ...others] = subjects.map(ofModel)
  const rowsOf = ({ run }: RunOperand, name: string) => run.tasks.find((task) => task.name === name)?.hash
  const common = (first ?? []).filter(
    (task) =>
      others.every((list) => list.includes(task)) &&
      subjects.every((one) => rowsOf(one, task) === rowsOf(subjects[0]!, task)),
  )
  if (common.length > 0) return common
  throw new UsageError('arguments', {
    message: 'no task was scored on the same rows for all of these models',
    hint: 'Name runs over the same tasks, with the same limit and seed.',
  })
}

/** The pairs of a model, and their vectors; no pairs where none are stored. */
async function pairsOf(
  { run, model }: RunOperand,
  tasks: readonly string[],
  limit: number,
): Promise<{ pairs: Pairs | undefined; clusters: string[] }> {
  const nothing = { pairs: undefined, clusters: [] }
  const folder = await run.vectors(model.id)
  if (folder === undefined) return nothing
  const keys = await keyPairs(run, tasks, limit)
  const found = await folder.all(keys.flatMap(({ image, text }) => [image, text]))
  const kept = keys.filter(({ image, text }) => found.has(image) && found.has(text))
  if (new Set(kept.map(({ image }) => image)).size < FEWEST_DRAWN) return nothing
  const side = (of: 'image' | 'text') => matrixOf(kept.map((pair) => found.get(pair[of])![0]!))
  return {
    pairs: { images: side('image'), texts: side('text') },
    clusters: kept.map(({ image }) => image),
  }
}

/** Each item once: of several right answers the first that comes. */
async function keyPairs(run: EvalRun, tasks: readonly string[], limit: number): Promise<KeyPair[]> {
  const found: KeyPair[] = []
  const seen = { image: new Set<string>(), text: new Set<string>() }
  for (const task of tasks) {
    const { rows } = await run.shown(task)
    // Pictures beyond a cap are not kept: one of a task's stands for all of them.
    const hasPicture = (side: 'query' | 'gold') => rows.some((row) => row[side].picture !== undefined)
    const [ofQuery, ofGold] = [hasPicture('query'), hasPicture('gold')]
    if (ofQuery === ofGold) continue
    for (const { key, goldKey } of rows) {
      const [image, text] = ofQuery ? [key, goldKey] : [goldKey, key]
      if (found.length === limit || seen.image.has(image) || seen.text.has(text)) continue
      seen.image.add(image)
      seen.text.add(text)
      found.push({ image, text })
    }
  }
  return found
}
