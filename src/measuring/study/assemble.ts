/**
 * @file Makes the results of all measurements. Every list has a fixed order, so that the same
 * numbers give the same bytes.
 */

import type { BootstrapOptions } from '../../foundation/numeric/bootstrap.ts'
import { Thumbnails } from '../../inputs/data/thumbnails.ts'
import { metricLabels } from '../benchmark/metrics.ts'
import { worstMisses } from '../benchmark/misses.ts'
import { meanOver, scopesOf, summariseTask } from '../benchmark/summary.ts'
import { majorityOf } from '../benchmark/task.ts'
import { labelOf } from '../benchmark/words.ts'
import { failureOf } from '../report/failure.ts'
import { RESULTS_VERSION, type Results } from '../report/results.ts'
import { type AnalysisOptions, alignmentOf, mapsOf, measuresOf } from './alignment.ts'
import { criteriaOf } from './criteria.ts'
import { differencesOf } from './differences.ts'
import { findingOf } from './finding.ts'
import { modelsOf } from './models.ts'
import { notesOf } from './notes.ts'
import { allScores, candidatesOf, comparedPair, contenders, type Outcome } from './outcome.ts'
import { pairsNotes, pairsOf } from './pairs/results.ts'

/** Computes figures, analysis, maps and words. */
export async function assemble(outcome: Outcome, analysis: AnalysisOptions): Promise<Results> {
  const { setting, world } = outcome
  const options: BootstrapOptions = { seed: setting.seed, resamples: setting.resamples }
  const scores = allScores(outcome)
  const scopes = scopesOf(world.tasks)
  const thumbnails = new Thumbnails()
  for (const { image } of world.pairs) for (const picture of image.image ?? []) thumbnails.indexOf(picture)
  const alignment = await alignmentOf(outcome, analysis)
  const measures = measuresOf()
  const failures = failuresOf(outcome, thumbnails)
  const pairs = outcome.sharedBase && pairsOf(outcome, outcome.sharedBase, options)
  return {
    schemaVersion: RESULTS_VERSION,
    title: titleOf(outcome),
    seed: setting.seed,
    command: outcome.command,
    plan: setting.name,
    world: world.name,
    models: modelsOf(outcome),
    tasks: world.tasks.map((task) => ({
      name: task.name,
      metaTask: task.metaTask,
      shift: task.shift,
      reason: task.reason,
      queries: task.test.length,
      candidates: candidatesOf(task),
      chance: task.chance,
      majority: majorityOf(task),
      instruction: task.test[0]?.query.instruction,
    })),
    metrics: metricLabels(),
    scores: scores.flatMap(({ model, tasks }) =>
      tasks.map((task) => ({ model, ...summariseTask(task, options) })),
    ),
    means: scores.flatMap((each) =>
      scopes.flatMap((scope) => {
        const hit1 = meanOver(each, scope, world.tasks, options)
        return hit1 === undefined ? [] : [{ model: each.model, scope, hit1 }]
      }),
    ),
    differences: differencesOf(outcome, scopes, options),
    ...(pairs && { pairs }),
    ...(outcome.factors && { factors: outcome.factors }),
    measures,
    alignment,
    maps: mapsOf(outcome, setting.seed),
    thumbnails: await thumbnails.encode(),
    failures,
    finding: findingOf(outcome, { alignment, measures, pairs }, options),
    criteria: criteriaOf(outcome, options),
    notes: [...notesOf(outcome, options), ...(pairs === undefined ? [] : pairsNotes(pairs))],
    credits: CREDITS,
  }
}

function titleOf(outcome: Outcome): string {
  const { sharedBase } = outcome
  if (sharedBase !== undefined)
    return `${sharedBase.models.map(({ id }) => labelOf(id)).join(', ')} as embedding models, mask by mask`
  const names = (comparedPair(outcome) ?? contenders(outcome).slice(0, 1)).map(({ label }) => label)
  return `${names.join(' and ')} as embedding ${names.length === 1 ? 'model' : 'models'}`
}

/** Misses that are shown of each model. */
const MISSES = 8

function failuresOf({ studied, world }: Outcome, thumbnails: Thumbnails): Results['failures'] {
  return studied.flatMap(({ participant: { id, plain, tuned } }) => {
    const [model, { scores }] = tuned === undefined ? [id, plain] : [`${id}-tuned`, tuned.state]
    return worstMisses(scores, world.tasks, MISSES).map((miss) => failureOf(model, miss, thumbnails))
  })
}

const CREDITS = [
  'Pictures: Noto Emoji (Apache-2.0, Google), Twemoji (CC-BY 4.0, Twitter and contributors), OpenMoji ' +
    '(CC-BY-SA 4.0), Fluent Emoji (MIT, Microsoft), EmojiOne 2.3 (CC-BY 4.0), Noto Emoji 1 (Apache-2.0, ' +
    'Google); rasterised and composed into scenes. Words: emojibase (MIT), Unicode CLDR.',
]
