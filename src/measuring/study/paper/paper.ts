/**
 * @file `bifocal study --plan paper`: which ingredient costs how much, over seeds of pretraining
 * and tuning. Runs with the weights that are there, says which are missing, and goes on where it
 * stopped.
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
import { type StudyOptions, settingOf } from '../options.ts'
import { Phases } from '../phases.ts'
import { together } from '../together.ts'
import { type StudyWorld, studyWorld } from '../world.ts'
import { withCaptions } from './captions.ts'
import { codesWords, markdownOf } from './markdown.ts'
import { PAPER_PLAN, type PaperPlan, type PaperRun, runId, runsOf } from './plan.ts'
import type { PaperRecord } from './record.ts'
import { type PaperResults, resultsOf, SEED } from './results.ts'
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
 *   there; FileError `file/in-use`; InterruptedError with every whole run kept
 */
export async function runPaper(options: PaperOptions): Promise<PaperResults> {
  checkOptions('runPaper', schemas, options, ['out', 'weights'])
  const {
    out,
    weights,
    extras = false,
    plan = PAPER_PLAN,
    stage = STAGE,
    tasks,
    steps,
    rank,
    limits,
    pairs,
    threads,
  } = options
  const wanted = runsOf(plan, { extras }).map((run) => ({
    run,
    dir: weightsOf(weights, run.arm.name, run.pretraining),
  }))
  const there = wanted.flatMap(({ run, dir }) => (dir === undefined ? [] : [{ run, dir }]))
  const missing = missingOf(wanted, weights)
  if (there.length === 0) {
    throw new StudyError('no-model', {
      message: `none of the ${missing.length} models of the plan is in ${weights}`,
      hint: `Make them, for example: ${missing[0]?.command}`,
    })
  }
  for (const { arm, pretraining, command } of missing)
    options.warn?.(`${arm} of seed ${pretraining} is missing: its runs are left out. ${command}`)
  const settingFor = (seed: number) =>
    settingOf({ out, plan: 'quick', tasks, steps, rank, limits, pairs, threads, seed })
  const lock = await lockAlone(join(out, 'work'))
  try {
    await removeAbandoned(out, { recursive: true })
    const [version, phases] = [await packageVersion(), new Phases()]
    const world = await studyWorld(settingFor(SEED))
    const scenes = await loadWorld(shippedData(), 'small')
    const captioned = once(() => withCaptions(world, scenes))
    const sheets = once(async () => await loadSheets(shippedData(), scenes.training))
    const atOnce = Math.max(1, Math.floor(availableParallelism() / settingFor(SEED).threads))
    let done = 0
    // Runs of one model follow each other: they share the vectors of the model as it is.
    const models = [...new Set(there.map(({ dir }) => dir))]
    const records = new Map<string, PaperRecord>()
    await together(models, atOnce, async (model) => {
      for (const { run, dir } of there.filter((one) => one.dir === model)) {
        const record = await recordOf(run, dir, {
          setting: settingFor(run.tuning),
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
        options.onProgress?.({ label: 'runs of the plan', done: ++done, total: there.length, note })
      }
    })
    const runs = there.map(({ run }) => records.get(runId(run))!)
    const results = resultsOf(runs, missing, world, plan, commandOf(options))
    await writeFileAtomic(join(out, 'paper.json'), `${JSON.stringify(results)}\n`)
    await writeFileAtomic(join(out, 'paper.md'), markdownOf(results, await codesWords(weights)))
    return results
  } finally {
    await lock.release()
  }
}

function missingOf(
  wanted: readonly { run: PaperRun; dir: string | undefined }[],
  weights: string,
): MissingModel[] {
  const missing = wanted.flatMap(({ run, dir }) =>
    dir === undefined ? [missingModel(weights, run.arm.name, run.pretraining)] : [],
  )
  return [...new Map(missing.map((model) => [model.command, model])).values()]
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
