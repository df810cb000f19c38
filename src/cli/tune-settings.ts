/** @file The settings that flags of `tune` stand for. */

import { UsageError } from '../foundation/numeric/errors.ts'

/** Flag, as the parser names it → key of the settings. */
export const TUNE_KEYS = {
  out: 'out',
  recipe: 'recipe',
  dev: 'dev.data',
  devShare: 'dev.share',
  devEvery: 'dev.every',
  patience: 'dev.patience',
  keep: 'dev.keep',
  preset: 'input.preset',
  attention: 'input.attention',
  blockSize: 'input.blockSize',
  pool: 'input.pool',
  dims: 'input.dims',
  maxLength: 'input.maxLength',
  truncate: 'input.truncation',
  maxPixels: 'input.maxPixels',
  train: 'train.method',
  rank: 'train.rank',
  alpha: 'train.alpha',
  rslora: 'train.rslora',
  dora: 'train.dora',
  dropout: 'train.dropout',
  targets: 'train.targets',
  modulesToSave: 'train.modulesToSave',
  loss: 'loss.name',
  temperature: 'loss.temperature',
  symmetric: 'loss.symmetric',
  falseNegatives: 'loss.falseNegatives',
  teacherMargin: 'loss.margin',
  matryoshka: 'loss.matryoshka',
  hardNegatives: 'batch.negatives',
  batchSize: 'batch.size',
  subBatch: 'batch.subBatch',
  accumulate: 'batch.accumulate',
  chunkTokens: 'batch.chunkTokens',
  optimizer: 'optimizer.name',
  learningRate: 'optimizer.learningRate',
  weightDecay: 'optimizer.weightDecay',
  schedule: 'schedule.kind',
  warmup: 'schedule.warmup',
  steps: 'steps',
  epochs: 'epochs',
  clip: 'clip',
  seed: 'seed',
  randomDecoder: 'randomDecoder',
  strict: 'strict',
  device: 'device',
  dtype: 'dtype',
  memory: 'memory',
  recompute: 'recompute',
  threads: 'threads',
  saveEvery: 'saveEvery',
  tensorboard: 'tensorboard',
} as const satisfies Readonly<Record<string, string>>

/** Flags that say how the sources of `--data` are read → key of a source. */
const SOURCE_KEYS = {
  format: 'format',
  images: 'images',
  limit: 'limit',
  instruction: 'instruction',
  targetInstruction: 'targetInstruction',
} as const satisfies Readonly<Record<string, string>>

/** Flags as they were given. A switch is true, false by its `--no-` form, or absent. */
export type TuneFlags = Readonly<
  Partial<Record<keyof typeof TUNE_KEYS | keyof typeof SOURCE_KEYS | 'model', unknown>> & {
    data?: readonly string[] | undefined
  }
>

/**
 * The settings that were given, and nothing else.
 * @throws UsageError `usage/arguments` for a flag of sources without `--data`
 */
export function flaggedSettings(flags: TuneFlags): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  if (flags.model !== undefined) settings.model = flags.model
  const reading: [string, unknown][] = []
  for (const [flag, key] of Object.entries(SOURCE_KEYS)) {
    const value = givenIn(flags, flag)
    if (value === undefined) continue
    if (flags.data === undefined) {
      throw new UsageError('arguments', {
        message: `${spelled(flag)} without --data`,
        hint: 'The flag says how the sources of --data are read; in a configuration file, give it to the source.',
      })
    }
    reading.push([key, value])
  }
  if (flags.data !== undefined)
    settings.data = flags.data.map((path) => ({ path, ...Object.fromEntries(reading) }))
  for (const [flag, key] of Object.entries(TUNE_KEYS)) {
    const value = givenIn(flags, flag)
    if (value === undefined) continue
    const [first = '', second] = key.split('.')
    if (second === undefined) settings[first] = value
    else settings[first] = { ...(settings[first] ?? {}), [second]: value }
  }
  return settings
}

/** How a key of the settings is given on the command line. */
export function flagOf(key: string): string | undefined {
  if (key === 'model') return 'MODEL'
  if (key === 'data' || key === 'data.path') return '--data'
  const known: [string, string][] = [
    ...Object.entries(TUNE_KEYS),
    ...Object.entries(SOURCE_KEYS).map(([flag, name]): [string, string] => [flag, `data.${name}`]),
  ]
  const found = known.find(([, name]) => name === key || key.startsWith(`${name}.`))
  return found && spelled(found[0])
}

function givenIn(flags: object, flag: string): unknown {
  return new Map(Object.entries(flags)).get(flag)
}

function spelled(flag: string): string {
  return `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
