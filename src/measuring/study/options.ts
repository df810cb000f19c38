/** @file The options of a study, and its plans. */

import { z } from 'zod'
import { PRECISIONS, type Precision } from '../../engine/graph/compiled.ts'
import { DEVICES, type Device } from '../../engine/runtime/devices.ts'
import { abortSignal, callback, MOST_THREADS, type OptionSchemas } from '../../foundation/files/options.ts'
import { UsageError } from '../../foundation/numeric/errors.ts'
import type { Limits } from '../../inputs/scenes/tasks/task.ts'
import { COMPLETE_LIMITS, QUICK_LIMITS } from '../../inputs/scenes/tasks/task.ts'
import { publicName } from '../../models/hub/public-name.ts'
import { MASKS, type Mask } from '../benchmark/words.ts'
import { checkDistinct } from './names.ts'
import { type StudyTuning, tuningSettings } from './tuning.ts'

type PlanName = 'quick' | 'full' | 'pairs'

/** How far a part of the study is. */
export interface StudyProgress {
  label: string
  done: number
  total: number
  note?: string
}

export interface StudyOptions {
  /** Folder for report, results and tuned models. A stopped study of the same folder goes on. */
  out: string
  /**
   * Models as `Embedder.load` takes them: checkpoint, contract and adapter folders, names on the
   * hub (`org/name@revision`), names of shipped models. Those with a decoder are tuned, dual
   * encoders are baselines. Default: the shipped twins and their tower.
   */
  models?: readonly string[]
  /** Names of embedded tasks; default all. */
  tasks?: readonly string[]
  /** Steps of each tuning; default by plan. */
  steps?: number
  /** Default 7. */
  seed?: number
  /** Default `quick`. */
  plan?: PlanName
  /** The part that is trained, default low-rank updates; `false`: models are scored as they are. */
  tune?: 'lora' | 'all' | false
  /** Rank of the updates; default 64. */
  rank?: number
  /** Whether a random decoder is tuned alike beside each model; default by plan. */
  controls?: boolean
  /**
   * Of the plan `pairs`: masks under which each model is studied beside its own; default causal,
   * bidirectional and block.
   */
  extraMasks?: readonly Mask[]
  /**
   * Of the plan `pairs`: positions of a block for models that have no blocks of their own; default:
   * those of the first model that has.
   */
  blockSize?: number
  /** Overrides single limits of the plan's tasks. */
  limits?: Partial<Limits>
  /** Image-caption pairs of the alignment analysis; default by plan. */
  pairs?: number
  /** Of all sessions; default `cpu`. */
  device?: Device
  /** Of embedding: a tuning computes in f32. Default: the contract's. */
  dtype?: Precision
  /**
   * Threads of each model; models run side by side. Default 1: the same bytes on any number of
   * cores.
   */
  threads?: number
  /** Another built report page. */
  page?: string
  /** The command line, for run.json; paths are cut to their last part. */
  argv?: readonly string[]
  signal?: AbortSignal
  onProgress?: (progress: StudyProgress) => void
  /** Told how long the study will take, in words, before it starts. */
  onEstimate?: (words: string) => void
  /** Told of things that a user should know though nothing failed: a damaged snapshot, say. */
  warn?: (message: string) => void
}

interface Plan {
  limits: Limits
  /** Rows and candidates that poolings are chosen on. */
  dev: { rows: number; candidates: number }
  tuning: StudyTuning
  controls: boolean
  /** Image-caption pairs of the alignment analysis. */
  pairs: number
  /** Resamples of intervals. */
  resamples: number
  /** Only where all models share a base, and are studied under several masks. */
  sharedBase?: SharedBasePlan
}

interface SharedBasePlan {
  /** Masks beside each model's own. */
  masks: readonly Mask[]
  /** Positions of a block, for models without blocks of their own. */
  blockSize?: number
}

/** `quick` is what `npm start` runs, in minutes on two cores. */
const PLANS: { readonly [P in PlanName]: Plan } = {
  quick: {
    limits: QUICK_LIMITS,
    dev: { rows: 24, candidates: 12 },
    tuning: tuningSettings({ steps: 200 }),
    // Twice the tunings do not fit into six minutes: the random decoders are compared by
    // `npm run gates` and the full plan.
    controls: false,
    pairs: 160,
    resamples: 1000,
  },
  full: {
    limits: COMPLETE_LIMITS,
    dev: { rows: 100, candidates: 100 },
    tuning: tuningSettings({ steps: 1200, batch: { size: 64, subBatch: 16 } }),
    controls: true,
    pairs: 400,
    resamples: 2000,
  },
  pairs: {
    limits: QUICK_LIMITS,
    dev: { rows: 24, candidates: 12 },
    tuning: tuningSettings({ steps: 200 }),
    controls: false,
    pairs: 160,
    resamples: 2000,
    sharedBase: { masks: MASKS },
  },
}

/** Everything that the study's results depend on, decided. */
export interface StudySetting extends Plan {
  name: PlanName
  seed: number
  models: readonly string[]
  tasks: readonly string[] | undefined
  tune: boolean
  device: Device
  dtype: Precision | undefined
  threads: number
}

const DEFAULT_MODELS = ['bifocal:twin-ar', 'bifocal:twin-diffusion', 'bifocal:tower']
const DEFAULT_SEED = 7

const count = z.int().min(1)

/** Schemas of the options that callers of `runStudy` give. */
export const studyOptionSchemas: OptionSchemas<StudyOptions> = {
  out: z.string().min(1),
  models: z.array(z.string().min(1)),
  tasks: z.array(z.string()),
  steps: count,
  seed: z.int().min(0),
  plan: z.enum(['quick', 'full', 'pairs']),
  extraMasks: z.array(z.enum(MASKS)),
  blockSize: count,
  tune: z.literal(['lora', 'all', false]),
  rank: count,
  controls: z.boolean(),
  limits: z.strictObject({ train: count, dev: count, test: count, candidates: count }).partial(),
  pairs: count,
  device: z.enum(DEVICES),
  dtype: z.enum(PRECISIONS),
  threads: count.max(MOST_THREADS),
  page: z.string(),
  argv: z.array(z.string()),
  signal: abortSignal,
  onProgress: callback,
  onEstimate: callback,
  warn: callback,
}

/**
 * Fills in everything that was left open.
 * @throws UsageError `usage/arguments` for masks without the plan that has them, and for that plan
 *   without models
 */
export function settingOf(options: StudyOptions): StudySetting {
  const { plan: name = 'quick', tune, rank } = options
  const plan = PLANS[name]
  checkDistinct(options.models ?? [])
  checkSharedBase(plan, options)
  const train =
    tune === 'all'
      ? { ...plan.tuning.train, method: tune }
      : rank === undefined
        ? plan.tuning.train
        : { ...plan.tuning.train, rank, alpha: 2 * rank }
  return {
    ...plan,
    limits: { ...plan.limits, ...options.limits },
    tuning: { ...plan.tuning, train, steps: options.steps ?? plan.tuning.steps },
    tune: tune !== false,
    controls: tune !== false && (options.controls ?? plan.controls),
    pairs: options.pairs ?? plan.pairs,
    name,
    seed: options.seed ?? DEFAULT_SEED,
    models: options.models ?? DEFAULT_MODELS,
    tasks: options.tasks,
    device: options.device ?? 'cpu',
    dtype: options.dtype,
    threads: options.threads ?? 1,
    ...(plan.sharedBase && {
      sharedBase: {
        masks: options.extraMasks ?? plan.sharedBase.masks,
        ...(options.blockSize === undefined ? {} : { blockSize: options.blockSize }),
      },
    }),
  }
}

function checkSharedBase({ sharedBase }: Plan, { models, extraMasks, blockSize }: StudyOptions): void {
  if (sharedBase === undefined && (extraMasks ?? blockSize) !== undefined) {
    throw new UsageError('arguments', {
      message: `${extraMasks === undefined ? 'a block size' : 'extra masks'} in a study without masks`,
      hint: 'Choose the plan that compares masks: --plan pairs.',
    })
  }
  if (sharedBase !== undefined && models === undefined) {
    throw new UsageError('arguments', {
      message: 'the plan pairs compares models that share a base, and none were named',
      hint: 'Name them: --models Qwen/Qwen2.5-VL-3B-Instruct hustvl/DiffusionVL-Qwen2.5VL-3B',
    })
  }
}

/**
 * The command that makes the same results, but for the folder that they go to. Models stand under
 * their names: the report is for others too, and paths of this machine are not.
 */
export function commandOf(options: StudyOptions, { controls, tune, ...setting }: StudySetting): string {
  const { models, tasks, steps, rank, extraMasks, blockSize, dtype, device, threads } = options
  const said: [string, string | number | undefined][] = [
    ['--models', models?.map(publicName).join(' ')],
    ['--tasks', tasks?.join(' ')],
    ['--plan', setting.name === 'quick' ? undefined : setting.name],
    ['--steps', steps],
    ['--tune', options.tune || undefined],
    ['--rank', rank],
    ['--extra-mask', extraMasks === undefined ? undefined : extraMasks.join(' ') || 'none'],
    ['--block-size', blockSize],
    ['--device', device],
    ['--dtype', dtype],
    ['--threads', threads],
    ['--seed', setting.seed],
  ]
  const flags = said.flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${value}`]))
  if (!tune) flags.push('--no-tune')
  else if (controls !== PLANS[setting.name].controls) flags.push(`--controls ${controls ? 'yes' : 'no'}`)
  return ['bifocal study', ...flags].join(' ')
}
