/** @file The options of a study of checkpoints on tasks of any suite. */

import { z } from 'zod'
import { callback, checkOptions, type OptionSchemas } from '../../../foundation/files/options.ts'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import type { RunHooks } from '../../../learning/tuning/job/job.ts'
import type { TuneOptions } from '../../../learning/tuning/job/tune.ts'
import { type EvaluateOptions, evaluateOptionSchemas } from '../../benchmark/run/options.ts'
import { StudyError } from '../errors.ts'
import { checkDistinct } from '../names.ts'
import type { StudyProgress } from '../options.ts'

/** Settings of all tunings, as `tune` takes them. */
type TuningOptions = Omit<TuneOptions, 'model' | 'out' | keyof RunHooks>

export interface CheckpointStudyOptions
  extends Pick<
    EvaluateOptions,
    | 'tasks'
    | 'baselines'
    | 'load'
    | 'limit'
    | 'seed'
    | 'stray'
    | 'maxProblems'
    | 'strict'
    | 'argv'
    | 'command'
    | 'signal'
    | 'warn'
  > {
  /** Folder for runs, tuned models and the comparison. A stopped study of it goes on. */
  out: string
  /**
   * Models as `Embedder.load` takes them. Those with a decoder are tuned, dual encoders are scored
   * as they are.
   */
  models: readonly string[]
  /**
   * Settings of the tunings, the same for each model: pairs (`data`), or a configuration file that
   * names them. `false`: models are scored as they are.
   */
  tune: TuningOptions | false
  /** Another built report page. */
  page?: string
  onProgress?: (progress: StudyProgress) => void
}

const { tasks, baselines, load, limit, seed, stray, maxProblems, strict, argv, command, signal, warn } =
  evaluateOptionSchemas

const schemas: OptionSchemas<CheckpointStudyOptions> = {
  out: z.string().min(1),
  models: z.array(z.string().min(1)),
  // `tune` looks at the settings.
  tune: z.union([z.literal(false), z.looseObject({})]),
  page: z.string(),
  onProgress: callback,
  ...{ tasks, baselines, load, limit, seed, stray, maxProblems, strict, argv, command, signal, warn },
}

/**
 * @param call names the function in messages
 * @throws UsageError `usage/option`, `usage/arguments` for no models, and one twice; StudyError
 *   `study/no-pairs` for tunings without pairs
 */
export function checkCheckpointOptions(call: string, options: CheckpointStudyOptions): void {
  checkOptions(call, schemas, options, ['out', 'models', 'tasks', 'tune'])
  const { models, tune } = options
  if (models.length === 0) {
    throw new UsageError('arguments', {
      message: 'a study of no models',
      hint: 'Name models: --models ORG/NAME FOLDER …',
    })
  }
  checkDistinct(models)
  if (tune !== false && tune.data === undefined && tune.config === undefined) {
    throw new StudyError('no-pairs', {
      message: 'the tasks have no training rows of their own, and no pairs were named',
      hint: 'Name pairs to tune with (--data FILE, or an MMEB-train folder), or score models as they are (--no-tune).',
    })
  }
}
