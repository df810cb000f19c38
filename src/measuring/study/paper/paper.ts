/**
 * @file `bifocal study --plan paper`: which ingredient costs how much, over seeds of pretraining
 * and tuning. Runs with the weights that are there, says which are missing, and goes on where it
 * stopped.
 */

import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { readText, writeFileAtomic } from '../../../foundation/files/file.ts'
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
import { recordedGates } from '../../../learning/pretraining/card.ts'
import { StudyError } from '../errors.ts'
import { type StudyOptions, settingOf } from '../options.ts'
import { Phases } from '../phases.ts'
import { together } from '../together.ts'
import { type StudyWorld, studyWorld } from '../world.ts'
import { withCaptions } from './captions.ts'
import { type Causes, causesOf } from './cause.ts'
import { causeMarkdown, causeSentences } from './cause-words.ts'
import { type FactorEffect, type FactorRun, type FactorTask, factorTable } from './factors.ts'
import { PAPER_PLAN, type PaperPlan, type PaperRun, runId, runsOf } from './plan.ts'
import { type PaperRecord, valuesOf } from './record.ts'
import { recordOf } from './run.ts'
import { STAGE, type StageSettings } from './stage.ts'
import { armMarkdown, curveMarkdown } from './tables.ts'
import { type MissingModel, missingModel, weightsOf } from './weights.ts'
import { effectWords, factorMarkdown } from './words.ts'

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

/** Results of the plan: everything that its tables are made from. */
export interface PaperResults {
  readonly schemaVersion: 1
  readonly command: string
  readonly tasks: readonly (Omit<FactorTask, 'clusters'> & { readonly clusters: readonly number[] })[]
  readonly runs: readonly PaperRecord[]
  readonly missing: readonly MissingModel[]
  readonly effects: { readonly untuned: readonly FactorEffect[]; readonly tuned: readonly FactorEffect[] }
  /** The three tests of alignment, and remedies. */
  readonly causes: Causes
  /** The main effects and the tests in words. */
  readonly sentences: readonly string[]
}

const RESAMPLES = 2000
/** Of the analysis pairs, which all runs share, and of the intervals. */
const SEED = 7

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

function resultsOf(
  runs: readonly PaperRecord[],
  missing: readonly MissingModel[],
  world: StudyWorld,
  { arms }: PaperPlan,
  command: string,
): PaperResults {
  const tasks = world.tasks.map(
    ({ name, metaTask, domain, test }): FactorTask => ({
      name,
      metaTask,
      domain,
      clusters: test.map(({ cluster }) => cluster),
    }),
  )
  const whole = runs.filter(({ share, condition }) => share === 1 && condition === 'plain')
  const factorRuns = (state: 'untuned' | 'tuned') =>
    whole.flatMap((run): FactorRun[] => {
      const cell = arms.find(({ name }) => name === run.arm)?.cell
      if (cell === undefined) return []
      const { pretraining, mask } = run
      // Untuned, a model is the same whatever seed its tuning has: one run stands for all.
      if (state === 'untuned' && firstOf(whole, run) !== run) return []
      const hits = tasks.map(({ name }) => valuesOf(run[state].hits[name]!))
      const tuning = state === 'tuned' ? { tuning: run.tuning } : {}
      return [{ cell: { ...cell, mask }, pretraining, ...tuning, hits }]
    })
  const options = { seed: SEED, resamples: RESAMPLES }
  const effects = {
    untuned: factorTable(factorRuns('untuned'), tasks, options),
    tuned: factorTable(factorRuns('tuned'), tasks, options),
  }
  const named = [...new Set([...arms.map(({ name }) => name), ...runs.map(({ arm }) => arm)])]
  const causes = causesOf(runs, named, tasks, options)
  const main = ({ scope }: FactorEffect) => scope.metaTask === 'all' && scope.domain === 'all'
  return {
    schemaVersion: 1,
    command,
    tasks: tasks.map((task) => ({ ...task, clusters: numbered(task.clusters) })),
    runs,
    missing,
    effects,
    causes,
    sentences: [
      ...(['tuned', 'untuned'] as const).flatMap((state) =>
        effects[state].filter(main).map((effect) => effectWords(effect, state)),
      ),
      ...causeSentences(causes),
    ],
  }
}

function firstOf(runs: readonly PaperRecord[], { arm, pretraining, mask }: PaperRecord) {
  return runs.find((run) => run.arm === arm && run.pretraining === pretraining && run.mask === mask)
}

/** Clusters as numbers, in the order of first appearance. */
function numbered(names: readonly string[]): number[] {
  const numbers = new Map<string, number>()
  return names.map((name) => {
    const number = numbers.get(name) ?? numbers.size
    numbers.set(name, number)
    return number
  })
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

/** The gates of the image tokenizers, as their cards have them: they limit the discrete twins. */
async function codesWords(weights: string): Promise<string[]> {
  const words: string[] = []
  for (const model of ['image-tokenizer', 'image-tokenizer-aligned']) {
    const card = join(weights, model, 'README.md')
    if (!existsSync(card)) continue
    for (const { name, value, passed, beside } of recordedGates(await readText(card)))
      words.push(`${model}: ${name} ${(100 * value).toFixed(1)} % (${beside})${passed ? '' : ', missed'}`)
  }
  return words
}

function markdownOf(
  { command, runs, missing, effects, sentences, causes }: PaperResults,
  codes: readonly string[],
): string {
  const list = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join('\n')
  const makers = missing.map(
    ({ arm, pretraining, command: make }) => `${arm}, seed ${pretraining}: \`${make}\``,
  )
  const parts = [
    '# Which ingredient costs how much',
    `Made by \`${command}\` from ${runs.length} runs.`,
    ...(missing.length === 0 ? [] : [`Missing, with the commands that make them:\n\n${list(makers)}`]),
    ...(effects.tuned.length === 0
      ? ['No effect of a factor can be told: a kind of model of the design has no run.']
      : []),
    ...(sentences.length === 0 ? [] : [list(sentences)]),
    ...(effects.tuned.length === 0
      ? []
      : [
          `## Factors\n\n${factorMarkdown(effects.tuned, 'tuned')}`,
          factorMarkdown(effects.untuned, 'untuned'),
        ]),
    ...causeMarkdown(causes, runs),
    `## Kinds of models\n\n${armMarkdown(runs)}`,
    `## How many training rows\n\n${curveMarkdown(runs)}`,
    ...(codes.length === 0 ? [] : [`## What the codes hold\n\n${list(codes)}`]),
  ]
  return `${parts.join('\n\n')}\n`
}
