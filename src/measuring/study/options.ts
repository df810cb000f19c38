/** @file What a study may be told, and the plans. */

import type { Limits } from '../../inputs/scenes/tasks/suite.ts'
import { COMPLETE_LIMITS, QUICK_LIMITS } from '../../inputs/scenes/tasks/suite.ts'
import { CONVERSION, type ConversionSettings } from '../../learning/tuning/convert.ts'

type PlanName = 'quick' | 'full'

/** How far a part of the study is. */
export interface StudyProgress {
  label: string
  done: number
  total: number
  note?: string
}

export interface StudyOptions {
  /** Where report, results and tuned models go; what was computed there before is used again. */
  out: string
  /**
   * Checkpoint folders, or names on the hub (`org/name@revision`): those with a decoder are
   * converted, a dual encoder is the baseline. Default: the shipped twins and their tower.
   */
  models?: readonly string[]
  /** Names of embedded tasks; default all. */
  tasks?: readonly string[]
  /** Steps of each conversion; default by plan. */
  steps?: number
  /** Default 7. */
  seed?: number
  /** Default `quick`. */
  plan?: PlanName
  /** Default: low-rank updates. */
  tune?: 'lora' | 'all'
  /** Rank of the updates; default 64. */
  rank?: number
  /**
   * Whether the same conversion of a random decoder is run beside each model; default by plan.
   */
  controls?: boolean
  /** Overrides single limits of the plan's tasks. */
  limits?: Partial<Limits>
  /** Image-caption pairs of the alignment analysis; default by plan. */
  pairs?: number
  /** Another built report page. */
  page?: string
  /** What was typed, for run.json. */
  argv?: readonly string[]
  signal?: AbortSignal
  onProgress?: (progress: StudyProgress) => void
  /**
   * Told what a user should know though nothing failed: a damaged snapshot that was passed over,
   * say.
   */
  warn?: (message: string) => void
}

interface Plan {
  limits: Limits
  /** Rows and candidates that poolings are chosen on. */
  dev: { rows: number; candidates: number }
  conversion: Omit<ConversionSettings, 'seed'>
  controls: boolean
  /** Image-caption pairs of the alignment analysis. */
  pairs: number
  /** Resamples of intervals. */
  resamples: number
}

/** `quick` is what `npm start` runs, in minutes on two cores. */
const PLANS: { readonly [P in PlanName]: Plan } = {
  quick: {
    limits: QUICK_LIMITS,
    dev: { rows: 24, candidates: 12 },
    conversion: { ...CONVERSION, steps: 200 },
    // Twice the conversions do not fit into six minutes: the random decoders are compared by
    // `npm run gates` and the full plan.
    controls: false,
    pairs: 160,
    resamples: 1000,
  },
  full: {
    limits: COMPLETE_LIMITS,
    dev: { rows: 100, candidates: 100 },
    conversion: { ...CONVERSION, steps: 1200, batch: 64, subBatch: 16 },
    controls: true,
    pairs: 400,
    resamples: 2000,
  },
}

/** Everything decided: what the study's results depend on. */
export interface StudySetting extends Plan {
  name: PlanName
  seed: number
  models: readonly string[]
  tasks: readonly string[] | undefined
  /** Reproduces the results, but for the folder that they go to. */
  command: string
}

const DEFAULT_MODELS = ['bifocal:twin-ar', 'bifocal:twin-diffusion', 'bifocal:tower']
const DEFAULT_SEED = 7

/** Fills in what was left open. */
export function settingOf({
  models,
  tasks,
  steps,
  seed = DEFAULT_SEED,
  plan: name = 'quick',
  tune,
  rank,
  controls,
  limits,
  pairs,
}: StudyOptions): StudySetting {
  const plan = PLANS[name]
  const part =
    tune === 'all'
      ? { tune }
      : rank === undefined
        ? plan.conversion.part
        : { tune: 'lora' as const, rank, alpha: 2 * rank }
  const said: [string, string | number | undefined][] = [
    ['--models', models?.join(' ')],
    ['--tasks', tasks?.join(' ')],
    ['--plan', name === 'quick' ? undefined : name],
    ['--steps', steps],
    ['--tune', tune],
    ['--rank', rank],
    ['--seed', seed],
  ]
  const flags = said.flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${value}`]))
  if (controls !== undefined && controls !== plan.controls)
    flags.push(`--controls ${controls ? 'yes' : 'no'}`)
  return {
    ...plan,
    limits: { ...plan.limits, ...limits },
    conversion: { ...plan.conversion, part, steps: steps ?? plan.conversion.steps },
    controls: controls ?? plan.controls,
    pairs: pairs ?? plan.pairs,
    name,
    seed,
    models: models ?? DEFAULT_MODELS,
    tasks,
    command: ['bifocal study', ...flags].join(' '),
  }
}
