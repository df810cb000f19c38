/**
 * @file `bifocal study --plan paper`: which ingredient costs how much, over seeds of pretraining
 * and tuning. Runs with the weights that are there, takes other runs from earlier results, says
 * which are missing, and goes on where it stopped.
 */

import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import { lockAlone } from '../../../foundation/files/lock.ts'
import {
  abortSignal,
  callback,
  checkOptions,
  MOST_THREADS,
  type OptionSchemas,
} from '../../../foundation/files/options.ts'
import { shippedData } from '../../../foundation/files/shipped.ts'
import { removeAbandoned } from '../../../foundation/files/temporary.ts'
import { packageVersion } from '../../../foundation/files/version.ts'
import { loadSheets } from '../../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../../inputs/scenes/world.ts'
import { StudyError } from '../errors.ts'
import { type StudyOptions, type StudySetting, settingOf } from '../options.ts'
import { Phases } from '../phases.ts'
import { together } from '../together.ts'
import { type StudyWorld, studyWorld } from '../world.ts'
import { withCaptions } from './captions.ts'
import { codesWords, markdownOf } from './markdown.ts'
import { PAPER_PLAN, type PaperPlan, type PaperRun, runId, runsOf } from './plan.ts'
import type { PaperRecord } from './record.ts'
import { type EarlierResults, earlierResults, recordedRuns } from './recorded.ts'
import {
  type PaperResults,
  type PaperRunResult,
  paperSettings,
  paperTasks,
  resultsOf,
  SEED,
} from './results.ts'
import { recordOf } from './run.ts'
import { STAGE, type StageSettings } from './stage.ts'
import { type MissingModel, missingModel, weightsOf } from './weights.ts'

export interface PaperOptions
  extends Pick<
    StudyOptions,
    'out' | 'tasks' | 'steps' | 'rank' | 'limits' | 'pairs' | 'threads' | 'signal' | 'onProgress' | 'warn'
  > {
  /** Holds the pretrained models, `SEED/NAME` each. Shipped ones are found without it. */
  weights: string
  /**
   * Earlier results, `paper.json`: their runs stand for those of models whose weights are not
   * there.
   */
  records?: readonly string[]
  /** Further arms, and the other mask with all seeds. */
  extras?: boolean
  /** Default: `PAPER_PLAN`. */
  plan?: PaperPlan
  /** Of the stage of alignment; default: `STAGE`. */
  stage?: StageSettings
}

const count = z.int().min(1)

const schemas: OptionSchemas<PaperOptions> = {
  out: z.string().min(1),
  weights: z.string().min(1),
  records: z.array(z.string().min(1)),
  extras: z.boolean(),
  plan: z.custom<PaperPlan>((value) => typeof value === 'object'),
  stage: z.custom<StageSettings>((value) => typeof value === 'object'),
  tasks: z.array(z.string()),
  steps: count,
  rank: count,
  limits: z.strictObject({ train: count, dev: count, test: count, candidates: count }).partial(),
  pairs: count,
  threads: count.max(MOST_THREADS),
  signal: abortSignal,
  onProgress: callback,
  warn: callback,
}

/**
 * @returns results, as written to `paper.json`; `paper.md` has the tables
 * @throws UsageError `usage/option`; StudyError `study/no-model` when no model of the plan is
 *   there, `study/other-record` and `study/two-records` for earlier results; FileError
 *   `file/in-use`; InterruptedError with every whole run kept
 */
export async function runPaper(options: PaperOptions): Promise<PaperResults> {
  checkOptions('runPaper', schemas, options, ['out', 'weights'])
  const { out, weights, plan = PAPER_PLAN, stage = STAGE } = options
  const version = await packageVersion()
  const settings = paperSettings(settingFor(options, SEED), stage, version)
  const earlier = await earlierResults(options.records ?? [], settings)
  const planned = runsFrom(options, plan, earlier)
  const { wanted, there, absent, missing } = planned
  for (const { arm, pretraining, command } of missing)
    options.warn?.(`runs of ${arm}, seed ${pretraining}, are left out: its weights are missing. ${command}`)
  const lock = await lockAlone(join(out, 'work'))
  try {
    await removeAbandoned(out, { recursive: true })
    const world = await studyWorld(settingFor(options, SEED))
    const tasks = paperTasks(world)
    const recorded = recordedRuns(earlier, tasks, absent)
    const made = await madeRuns(there, world, { options, stage, version })
    const runs = wanted.flatMap(({ id }): PaperRunResult[] => {
      const [own, kept] = [made.get(id), recorded.get(id)]
      if (own !== undefined) return [{ ...own, recorded: false }]
      return kept === undefined ? [] : [{ ...kept, recorded: true }]
    })
    const measured = { command: commandOf(options), settings, tasks, runs }
    const results = resultsOf(measured, missing, plan)
    await writeFileAtomic(join(out, 'paper.json'), `${JSON.stringify(results)}\n`)
    await writeFileAtomic(join(out, 'paper.md'), markdownOf(results, await codesWords(weights)))
    return results
  } finally {
    await lock.release()
  }
}

function settingFor(options: PaperOptions, seed: number): StudySetting {
  const { out, tasks, steps, rank, limits, pairs, threads } = options
  return settingOf({ out, plan: 'quick', tasks, steps, rank, limits, pairs, threads, seed })
}

/** A run whose weights are there. */
interface RunWithWeights {
  readonly run: PaperRun
  readonly dir: string
}

/** Where each run of the plan comes from: weights, earlier results, or nowhere. */
interface PlannedRuns {
  readonly wanted: readonly { readonly id: string }[]
  readonly there: readonly RunWithWeights[]
  /** Ids of runs without weights. */
  readonly absent: ReadonlySet<string>
  /** Models of runs that no earlier results have either. */
  readonly missing: readonly MissingModel[]
}

/** @throws StudyError `study/no-model` */
function runsFrom(
  { weights, extras = false }: PaperOptions,
  plan: PaperPlan,
  earlier: readonly EarlierResults[],
): PlannedRuns {
  const known = new Set(earlier.flatMap(({ runs }) => runs.map(({ id }) => id)))
  const wanted = runsOf(plan, { extras }).map((run) => ({
    run,
    id: runId(run),
    dir: weightsOf(weights, run.arm.name, run.pretraining),
  }))
  const absent = wanted.filter(({ dir }) => dir === undefined)
  const nowhere = absent.filter(({ id }) => !known.has(id))
  const missing = nowhere.map(({ run }) => missingModel(weights, run.arm.name, run.pretraining))
  const models = [...new Map(missing.map((model) => [model.command, model])).values()]
  if (nowhere.length === wanted.length) {
    throw new StudyError('no-model', {
      message: `none of the ${models.length} models of the plan is in ${weights}`,
      hint: `Make them, for example: ${models[0]?.command}`,
    })
  }
  return {
    wanted,
    there: wanted.flatMap(({ run, dir }) => (dir === undefined ? [] : [{ run, dir }])),
    absent: new Set(absent.map(({ id }) => id)),
    missing: models,
  }
}

/** Makes the runs whose weights are there, models side by side. @returns records by id */
async function madeRuns(
  there: readonly RunWithWeights[],
  world: StudyWorld,
  { options, stage, version }: { options: PaperOptions; stage: StageSettings; version: string },
): Promise<Map<string, PaperRecord>> {
  const phases = new Phases()
  const scenes = await loadWorld(shippedData(), 'small')
  const captioned = once(() => withCaptions(world, scenes))
  const sheets = once(async () => await loadSheets(shippedData(), scenes.training))
  const atOnce = Math.max(1, Math.floor(availableParallelism() / settingFor(options, SEED).threads))
  // Runs of one model follow each other: they share the vectors of the model as it is.
  const models = [...new Set(there.map(({ dir }) => dir))]
  const records = new Map<string, PaperRecord>()
  await together(models, atOnce, async (model) => {
    for (const { run, dir } of there.filter((one) => one.dir === model)) {
      const record = await recordOf(run, dir, {
        setting: settingFor(options, run.tuning),
        world: withShare(run.condition === 'captions' ? captioned() : world, run.share),
        scenes,
        sheets,
        stage,
        phases,
        version,
        options: { ...options, plan: 'quick' },
      })
      records.set(record.id, record)
      const note = record.id
      options.onProgress?.({ label: 'runs of the plan', done: records.size, total: there.length, note })
    }
  })
  return records
}

/** Made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** The first rows of each task: smaller shares are part of larger ones. */
function withShare(world: StudyWorld, share: number): StudyWorld {
  const training = world.training.map((rows) => ({
    ...rows,
    pairs: rows.pairs.slice(0, Math.max(1, Math.ceil(share * rows.pairs.length))),
  }))
  return { ...world, training }
}

function commandOf({ extras, tasks, steps, rank, limits, pairs }: PaperOptions): string {
  const flags = [
    ...(extras === true ? ['--extras'] : []),
    ...(tasks === undefined ? [] : [`--tasks ${tasks.join(' ')}`]),
    ...(steps === undefined ? [] : [`--steps ${steps}`]),
    ...(rank === undefined ? [] : [`--rank ${rank}`]),
    ...(limits === undefined ? [] : [`(limits ${JSON.stringify(limits)})`]),
    ...(pairs === undefined ? [] : [`(pairs ${pairs})`]),
  ]
  return ['bifocal study --plan paper', ...flags].join(' ')
}
