/** @file Foretells a study of checkpoints: tasks, items, tunings, and the time that they take. */

import { join } from 'node:path'
import { planTuning } from '../../../learning/tuning/job/job.ts'
import type { TuningPlan } from '../../../learning/tuning/job/plan.ts'
import type { ModelPlan } from '../../benchmark/run/plan.ts'
import { type EvaluationPlan, planEvaluation } from '../../benchmark/run/prepare.ts'
import { duration } from '../../report/format.ts'
import { type CheckpointStudyOptions, checkCheckpointOptions } from './options.ts'
import { type Overlaps, overlapsOf, overlapWords } from './overlap.ts'
import { prepareStudy, runOptionsOf, studyFiles } from './prepared.ts'

export interface CheckpointPlan {
  /** Of scoring the models as they are. */
  readonly scoring: EvaluationPlan
  readonly tunings: readonly { readonly model: string; readonly plan: TuningPlan }[]
  /** Undefined where nothing is tuned. */
  readonly overlaps: Overlaps | undefined
  /** Of everything but comparison and page; null where it cannot be foretold. */
  readonly seconds: number | null
}

/**
 * Foretells a study. Opens models, tasks and pairs, and measures the machine; computes no vector,
 * writes nothing.
 * @throws as `studyCheckpoints`
 */
export async function planCheckpoints(options: CheckpointStudyOptions): Promise<CheckpointPlan> {
  checkCheckpointOptions('planCheckpoints', options)
  const { out, signal, warn } = options
  const { checkpoints } = await prepareStudy(options)
  const tunable = checkpoints.flatMap(({ contestant, tuning }) =>
    tuning === undefined ? [] : [{ id: contestant.model.id, settings: tuning.settings }],
  )
  const overlaps = tunable[0] && (await overlapsOf(tunable[0].settings.data, options))
  const scoring = await planEvaluation({
    ...runOptionsOf(options),
    contestants: checkpoints.map(({ contestant }) => contestant),
    out: join(out, tunable.length > 0 ? studyFiles.before : studyFiles.run),
  })
  const tunings: { model: string; plan: TuningPlan }[] = []
  for (const { id, settings } of tunable)
    tunings.push({ model: id, plan: await planTuning(settings, { signal, warn }) })
  const again = scoring.models.filter(({ model }) => tunable.some(({ id }) => id === model)).map(secondsAgain)
  const forecasts = tunings.map(({ plan }) => plan.forecast?.seconds ?? null)
  const seconds = [scoring.seconds, ...forecasts, ...again].reduce(
    (sum, one) => (sum === null || one === null ? null : sum + one),
    0,
  )
  return { scoring, tunings, overlaps, seconds }
}

/** Of embedding all items by the tuned model, which has no vectors yet. */
function secondsAgain({ items, stored, seconds }: ModelPlan): number | null {
  const missing = items - stored
  return seconds === null || missing === 0 ? null : (seconds / missing) * items
}

/** The plan for a terminal. */
export function checkpointPlanWords({ scoring, tunings, overlaps, seconds }: CheckpointPlan): string {
  const rows = scoring.tasks.reduce((sum, task) => sum + task.rows, 0)
  const time = (one: number | null | undefined) => (one == null ? 'time unknown' : `about ${duration(one)}`)
  const lines = [
    `tasks: ${scoring.tasks.map(({ name }) => name).join(', ')}; ${rows} rows`,
    ...scoring.models.map(
      ({ label, items, stored, seconds: own }) =>
        `score ${label}: ${items} items, ${stored} of them stored; ${time(own)}`,
    ),
    ...tunings.map(({ model, plan }) => {
      const pairs = plan.sources.reduce((sum, source) => sum + source.train, 0)
      const size = `${plan.updates} updates of ${Math.round(plan.update.pairs)} pairs, of ${pairs}`
      return `tune ${model}: ${size}; ${time(plan.forecast?.seconds)}; then score it again`
    }),
    `all: ${time(seconds)}; it can be stopped at any time and goes on where it stopped`,
    ...(overlaps === undefined ? [] : overlapWords(overlaps).map((words) => `warning: ${words}`)),
    ...tunings.flatMap(({ model, plan }) =>
      plan.warnings.map(({ message, hint }) => `warning: ${model}: ${message}\n  hint: ${hint}`),
    ),
  ]
  return lines.join('\n')
}
