/** @file Tuning for library users: options as one object, checked when the call begins. */

import { z } from 'zod'
import { abortSignal, callback, checkOptions, type OptionSchemas } from '../../../foundation/files/options.ts'
import type { dataSettings } from '../../../inputs/data/pairs/settings.ts'
import { type GivenSettings, tuneSettings } from '../settings.ts'
import { settingsFrom } from './given.ts'
import { type FinishedJob, planTuning, type RunHooks, runJob } from './job.ts'
import type { TuningPlan } from './plan.ts'

type Source = string | z.input<typeof dataSettings>

/** Settings have the keys of a configuration file, see docs/tuning.md. */
export interface TuneOptions extends Partial<Omit<GivenSettings, 'data'>>, RunHooks {
  /** Paths, or sources with settings of their own. */
  data?: Source | readonly Source[]
  /** A YAML or JSON file of settings: those that are given here win. */
  config?: string
}

type Given = Omit<TuneOptions, keyof RunHooks | 'config'>

const hookSchemas: OptionSchemas<RunHooks & Pick<TuneOptions, 'config'>> = {
  config: z.string().min(1),
  signal: abortSignal,
  warn: callback,
  onDownload: callback,
  onPlan: callback,
  onResume: callback,
  onProgress: callback,
}

/** Known by name here; `settingsFrom` looks at the values. */
const anything = z.unknown()
const { shape } = tuneSettings
const optionSchemas: OptionSchemas<TuneOptions> = { ...hookSchemas, ...mapped(shape) }

function mapped(settings: typeof shape): { [Key in keyof typeof shape]: z.ZodType } {
  const known = { ...settings }
  return Object.assign(known, Object.fromEntries(Object.keys(settings).map((key) => [key, anything])))
}

/**
 * Makes an embedder of a vision-language model from pairs, as `bifocal tune` does. A stopped run
 * goes on with the same call.
 * @returns the record, and the folder that every command and `Embedder.load` take
 * @throws UsageError `usage/option`, `usage/config`; InterruptedError with the state saved;
 *   TuningError, TrainingError, FileError; errors of pairs and models
 * @example
 * const { written } = await tune({ model: 'bifocal:twin-ar', data: 'pairs.jsonl', out: 'mine' })
 * const embedder = await Embedder.load(written)
 */
export async function tune(options: TuneOptions): Promise<FinishedJob> {
  const { config, given, hooks } = parts('tune', options)
  return await runJob(await settingsFrom({ config, given }), hooks)
}

/**
 * The plan of a tuning: updates, trained parameters, memory and time foretold, warnings. Trains and
 * writes nothing.
 * @throws as `tune`
 */
export async function planTune(options: TuneOptions): Promise<TuningPlan> {
  const { config, given, hooks } = parts('planTune', options)
  return await planTuning(await settingsFrom({ config, given }), hooks)
}

function parts(
  call: string,
  options: TuneOptions,
): { config: string | undefined; given: Record<string, unknown>; hooks: RunHooks } {
  checkOptions(call, optionSchemas, options)
  const { config, signal, warn, onDownload, onPlan, onResume, onProgress, ...rest } = options
  const own: Given = rest
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return { config, given, hooks: { signal, warn, onDownload, onPlan, onResume, onProgress } }
}
