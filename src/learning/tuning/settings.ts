/**
 * @file All settings of a tuning. Configuration files, flags and `tune(options)` give the same
 * keys. docs/tuning.md describes each.
 */

import { z } from 'zod'
import { DEVICES } from '../../engine/runtime/devices.ts'
import { MOST_THREADS } from '../../foundation/files/options.ts'
import { dataSettings } from '../../inputs/data/pairs/settings.ts'
import { ATTENTION_KINDS } from '../../models/embedder/attention.ts'
import { presetNames } from '../../models/embedder/presets.ts'
import { pools } from '../../models/embedder/readout.ts'
import { optimizerSettings, scheduleSettings } from '../training/settings.ts'
import { batchSettings, devSettings } from './batch-settings.ts'
import { lossSettings } from './losses/settings.ts'
import { trainSettings } from './trained/settings.ts'

/** Names of published settings, see `recipes`. */
export const recipeNames = ['vlm2vec', 'diffembed', 'bifocal'] as const

export type RecipeName = (typeof recipeNames)[number]

const count = z.int().min(1)
const text = z.string().min(1)

/** How items are read and vectors are made: the written `embedder.json` keeps it. */
const inputSettings = z.strictObject({
  /** A published embedder's prompt, picture policy and readout; null: by the model's name. */
  preset: z
    .enum([...presetNames, 'none'])
    .nullable()
    .default(null),
  /** For items that bring none. */
  instruction: text.nullable().default(null),
  /** Null: as the model has it. */
  attention: z.enum(ATTENTION_KINDS).nullable().default(null),
  /** Of attention by blocks; null: as the model has it. */
  blockSize: count.nullable().default(null),
  /** Null: as the model has it; `last` for a causal decoder, else `mean`. */
  pool: z.enum(pools).nullable().default(null),
  /** Leading dimensions that the embedder gives; null: all. */
  dims: count.nullable().default(null),
  /** Positions that an item may take; null: as many as the model has. */
  maxLength: count.nullable().default(null),
  /** Items that take more: `error` lists and leaves out their pairs; `reference` cuts them. */
  truncation: z.enum(['error', 'reference']).nullable().default(null),
  /** Larger pictures are made smaller, in proportion; null: as the model's processor does. */
  maxPixels: count.nullable().default(null),
})

/** Share of the dev part where none is given. */
export const DEFAULT_SHARE = 0.05

/** The share of pairs that no update sees, or pairs of their own, and how they decide. */
const devPartSettings = z.strictObject({
  /** By hash, so that a pair stays on its side when others are added. 0: no dev part. */
  share: z.number().min(0).max(0.5).default(DEFAULT_SHARE),
  /** Instead of a share: sources of their own. */
  data: z.array(dataSettings).default([]),
  /** The first pairs only, of all sources together. */
  limit: count.nullable().default(1000),
  ...devSettings.shape,
})

/** The settings that a tuning's bytes depend on, and those of the machine. */
export const tuneSettings = z.strictObject({
  /** Folder, name on the hub, or shipped model: as every command takes it. */
  model: text,
  /** Folder that is written. */
  out: text,
  /** Published settings, for all keys that are not given. */
  recipe: z.enum(recipeNames).nullable().default(null),
  data: z.array(dataSettings).min(1),
  dev: devPartSettings.prefault({}),
  input: inputSettings.prefault({}),
  train: trainSettings.prefault({}),
  loss: lossSettings.prefault({}),
  batch: batchSettings.prefault({}),
  optimizer: optimizerSettings.prefault({}),
  schedule: scheduleSettings.prefault({}),
  /** Updates; null: as `epochs` says. */
  steps: count.nullable().default(null),
  /** Times that all pairs are seen; null: as `steps` says, and once without `steps`. */
  epochs: z.number().positive().nullable().default(null),
  /** Largest norm of all gradients together; null: no clipping. */
  clip: z.number().positive().nullable().default(1),
  /** Of batches, updates' first values, dropout and instructions. */
  seed: z.int().min(0).default(7),
  /** A random decoder in the model's place: the control. */
  randomDecoder: z.boolean().default(false),
  /** The first pair that cannot be read ends the tuning. */
  strict: z.boolean().default(false),
  /** Share of pairs that may be left out because they cannot be read. */
  mostSkipped: z.number().min(0).max(1).default(0.05),
  device: z.enum(DEVICES).default('cpu'),
  /** Null: as many as the machine has. The same count gives the same bytes. */
  threads: count.max(MOST_THREADS).nullable().default(null),
  /**
   * Of frozen weights while tuning, and of the written embedder; all else is f32. Null: f32, and
   * the model's.
   */
  dtype: z.enum(['f32', 'f16']).nullable().default(null),
  /** `low`: 16-bit weights stay mapped and are unpacked for each product. */
  memory: z.enum(['fast', 'low']).default('fast'),
  /** Computes each layer anew in the backward pass instead of keeping its inside. */
  recompute: z.boolean().default(false),
  /** Updates between two snapshots. */
  saveEvery: count.default(50),
  /** Also writes event files for TensorBoard. */
  tensorboard: z.boolean().default(false),
})

export type TuneSettings = z.output<typeof tuneSettings>

/** Settings as a user gives them: absent keys have defaults. */
export type GivenSettings = z.input<typeof tuneSettings>

/** All settings but those that have no default: what `--print-config` shows may lack them. */
export const printedSettings = tuneSettings.partial({ model: true, out: true, data: true })

export type PrintedSettings = z.output<typeof printedSettings>

/** Groups of keys: layers of settings are joined key by key inside them. */
const GROUPS = ['dev', 'input', 'train', 'loss', 'batch', 'optimizer', 'schedule']

/** Settings of one place: a file, a recipe, flags. */
export type Layer = Readonly<Record<string, unknown>>

/**
 * Joins layers of settings, later ones over earlier ones. Values below a group are taken whole. A
 * source of data that is a text is a path.
 */
export function joinedSettings(...layers: readonly Layer[]): Record<string, unknown> {
  const joined: Record<string, unknown> = {}
  for (const [key, value] of layers.flatMap((layer) => Object.entries(layer))) {
    const before = joined[key]
    if (key === 'data') joined[key] = sourcesOf(value)
    else if (key === 'dev' && isLayer(value) && 'data' in value)
      joined[key] = { ...(isLayer(before) ? before : {}), ...value, data: sourcesOf(value.data) }
    else if (GROUPS.includes(key) && isLayer(value) && isLayer(before)) joined[key] = { ...before, ...value }
    else joined[key] = value
  }
  return joined
}

function sourcesOf(value: unknown): unknown {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map((each) => (typeof each === 'string' ? { path: each } : each))
}

export function isLayer(value: unknown): value is Layer {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Settings that contradict each other, in words; none where they can be run. */
export function contradictionsIn({
  steps,
  epochs,
  batch,
  train,
  loss,
}: Pick<TuneSettings, 'steps' | 'epochs' | 'batch' | 'train' | 'loss'>): string[] {
  const { matryoshka } = loss
  return [
    steps !== null &&
      epochs !== null &&
      'steps and epochs both say how long the tuning takes: give one of them',
    batch.subBatch !== null &&
      batch.size % batch.subBatch !== 0 &&
      `batch.size ${batch.size} is no multiple of batch.subBatch ${batch.subBatch}`,
    train.method === 'all' &&
      (train.dora || train.rslora || train.dropout > 0) &&
      'train.method all trains the weights themselves: dora, rslora and dropout are for lora',
    matryoshka !== null &&
      matryoshka.weights !== null &&
      matryoshka.weights.length !== matryoshka.dims.length &&
      `loss.matryoshka has ${matryoshka.dims.length} dims and ${matryoshka.weights.length} weights`,
  ].filter((problem) => problem !== false)
}
