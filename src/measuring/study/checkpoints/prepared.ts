/** @file Everything of a study of checkpoints that is known before anything is computed. */

import { basename, join } from 'node:path'
import { given } from '../../../foundation/files/options.ts'
import { decidingSettings } from '../../../learning/tuning/job/deciding.ts'
import { settingsFrom } from '../../../learning/tuning/job/given.ts'
import type { TuneSettings } from '../../../learning/tuning/settings.ts'
import { tunableModel } from '../../../learning/tuning/tunable.ts'
import { type Contestant, modelContestants } from '../../benchmark/run/contestant.ts'
import type { EvaluateOptions } from '../../benchmark/run/options.ts'
import { isVisionLanguage } from '../../benchmark/words.ts'
import { contentHash } from '../state.ts'
import type { CheckpointStudyOptions } from './options.ts'

/** A model of the study, and how it is tuned. */
export interface Checkpoint {
  readonly contestant: Contestant
  /** Undefined for a model that is scored as it is. */
  readonly tuning: { readonly settings: TuneSettings; readonly folder: string } | undefined
}

interface PreparedStudy {
  readonly checkpoints: readonly Checkpoint[]
  /** Names everything that decides the results, and the scores of the models as they are. */
  readonly identity: { readonly setting: string; readonly scoring: string }
}

/** Parts of a study's folder. */
export const studyFiles = {
  before: 'before',
  run: 'run',
  vectors: join('run', 'vectors'),
  models: 'models',
  comparison: 'comparison',
  record: 'study.json',
} as const

/**
 * Opens all models; reads no weight.
 * @throws as `openSubject`; UsageError `usage/option`, `usage/config` for settings of tunings;
 *   TuningError for a model that cannot be tuned
 */
export async function prepareStudy(options: CheckpointStudyOptions): Promise<PreparedStudy> {
  const { out, models, tune, load = {}, signal, warn, tasks } = options
  const contestants = await modelContestants(models, { ...load, signal, warn }, reservedFor(models))
  const checkpoints: Checkpoint[] = []
  for (const [i, contestant] of contestants.entries()) {
    const { subject, model } = contestant
    if (tune === false || subject === undefined || !isVisionLanguage(subject)) {
      checkpoints.push({ contestant, tuning: undefined })
      continue
    }
    const folder = join(out, studyFiles.models, `${model.id}-tuned`)
    const { config, input, ...rest } = tune
    const settings = await settingsFrom({
      config,
      given: {
        ...given({ ...ofMachine(load), seed: options.seed, ...given(rest) }),
        ...withInput({ ...readingOf(load), ...input }),
        model: models[i]!,
        out: folder,
      },
    })
    tunableModel(subject, { continues: settings.train.continue })
    checkpoints.push({ contestant, tuning: { settings, folder } })
  }
  const { limit, seed, stray, baselines, maxProblems } = options
  const scoring = contentHash({
    kind: 'checkpoints',
    models: checkpoints.map(({ contestant: { model } }) => [model.id, model.fingerprint]),
    tasks: tasks.map(({ name, suite }) => [suite, name]),
    ...{ limit, seed, stray, baselines, maxProblems },
  })
  const tunings = checkpoints.map(({ tuning }) => tuning && decidingOf(tuning.settings))
  return { checkpoints, identity: { setting: contentHash({ scoring, tunings }), scoring } }
}

type Load = NonNullable<CheckpointStudyOptions['load']>

/** Settings of the machine are those of scoring. A tuning computes in f32. */
function ofMachine({ device, threads, memory }: Load) {
  return { device, threads, memory }
}

/** A model is tuned as it is read. */
function readingOf({ preset, attention, blockSize, truncation, maxLength, readout }: Load) {
  return given({
    preset,
    attention,
    blockSize,
    truncation,
    maxLength,
    pool: readout?.pool,
    dims: readout?.dims,
  })
}

function withInput(input: object) {
  return Object.keys(input).length === 0 ? {} : { input }
}

/** Without the machine and its places: the trainer itself compares the pairs. */
function decidingOf(settings: TuneSettings) {
  const { data, dev } = settings
  const named = (sources: TuneSettings['data']) =>
    sources.map((source) => ({ ...source, path: basename(source.path) }))
  return {
    ...decidingSettings(settings, { train: [], dev: [] }),
    data: named(data),
    'dev.data': named(dev.data),
  }
}

/** The names of tuned models: none of the models as they are may have one. */
function reservedFor(models: readonly string[]): string[] {
  return models.map((model) => `${basename(model.replace(/@[^/]*$/, ''))}-tuned`)
}

/** The options of all runs of the study. */
export function runOptionsOf(options: CheckpointStudyOptions): Omit<EvaluateOptions, 'out'> {
  const { tasks, limit, seed, stray, maxProblems, strict, argv, command, signal, warn } = options
  const { out, onProgress } = options
  return {
    tasks,
    store: join(out, studyFiles.vectors),
    ...given({ limit, seed, stray, maxProblems, strict, argv, command, signal, warn, onProgress }),
  }
}
