/** @file The plan `checkpoints` of `bifocal study`: any models on any tasks. */

import { given } from '../foundation/files/options.ts'
import { UsageError } from '../foundation/numeric/errors.ts'
import type { CheckpointStudy } from '../measuring/study/checkpoints/study.ts'
import { askedSchema, evaluationOf, saidFlags } from './evaluation.ts'
import type { CommandIo } from './io.ts'

/** Flags of `study` that say how models are tuned. */
interface TuningFlags {
  readonly data: readonly string[] | undefined
  readonly recipe: 'vlm2vec' | 'diffembed' | 'bifocal' | undefined
  readonly tuneConfig: string | undefined
  readonly steps: number | undefined
  readonly rank: number | undefined
  /** The part that is trained, or false. */
  readonly tune: 'lora' | 'all' | false | undefined
}

interface CheckpointFlags {
  readonly out: string
  readonly dryRun: boolean
  readonly tuning: TuningFlags
  /** As `eval` has them. */
  readonly scoring: Readonly<Record<string, unknown>> & { readonly models: readonly string[] | undefined }
}

/** Runs the plan, or tells it. @throws as `studyCheckpoints` */
export async function checkpointStudy(
  { out, dryRun, tuning, scoring }: CheckpointFlags,
  io: CommandIo,
): Promise<0> {
  const { models = [] } = scoring
  const { data, recipe, tuneConfig, steps, rank, tune } = tuning
  const asked = askedSchema.parse({ ...scoring, models })
  const evaluation = await evaluationOf(asked, out, io)
  if (models.length === 0) {
    throw new UsageError('arguments', {
      message: 'no models for a study of tasks that are not all shipped ones',
      hint: 'Name them: --models ORG/NAME FOLDER bifocal:NAME …',
    })
  }
  const { tasks, baselines, load, limit, seed, stray, strict, maxProblems } = evaluation
  const trained = { method: tune === false ? undefined : tune, rank }
  const said = { data, recipe, tuneConfig, steps, rank, tune: tune === false ? undefined : tune }
  const options = {
    out,
    models,
    tasks,
    ...given({ baselines, load, limit, seed, stray, strict, maxProblems }),
    tune:
      tune === false
        ? (false as const)
        : {
            ...given({ data, recipe, config: tuneConfig, steps }),
            ...(Object.keys(given(trained)).length > 0 && { train: given(trained) }),
          },
    argv: process.argv.slice(2),
    command: [
      'bifocal study --plan checkpoints',
      ...saidFlags({ ...asked, ...said }),
      ...(tune === false ? ['--no-tune'] : []),
    ].join(' '),
    signal: io.signal,
    warn: io.warn,
    onProgress: io.progress,
  }
  if (dryRun) {
    const { checkpointPlanWords, planCheckpoints } = await import('../measuring/study/checkpoints/plan.ts')
    const plan = await planCheckpoints(options)
    io.print(checkpointPlanWords(plan), plan)
    return 0
  }
  const { studyCheckpoints } = await import('../measuring/study/checkpoints/study.ts')
  await printStudy(await studyCheckpoints(options), out, io)
  return 0
}

async function printStudy(
  { record, run, written }: CheckpointStudy,
  out: string,
  io: CommandIo,
): Promise<void> {
  const { runTable } = await import('../measuring/benchmark/run/table.ts')
  io.print(runTable(run.results, { width: io.width ?? 160 }), record)
  for (const { message } of run.results.problems.slice(0, 20)) io.warn(`left out: ${message}`)
  io.say('')
  for (const { sentence } of record.comparisons) io.say(sentence)
  io.say(`page: ${written.page}\nrun: ${run.path} (compare, report, analyze --runs and export take it)`)
  if (record.comparisons.length > 0) io.say(`comparison: ${out}/comparison/report.html`)
  io.say(`record: ${written.record}`)
}
