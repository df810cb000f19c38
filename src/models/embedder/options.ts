/** @file Schemas of the options that callers of the library give to an embedder. */

import { z } from 'zod'
import { PRECISIONS } from '../../engine/graph/compiled.ts'
import { DEVICES } from '../../engine/runtime/devices.ts'
import {
  abortSignal,
  callback,
  MOST_THREADS,
  type OptionSchemas,
  someObject,
} from '../../foundation/files/options.ts'
import { MIX_METHODS } from '../checkpoint/adapter-mix.ts'
import { ATTENTION_KINDS } from './attention.ts'
import { readoutSchema } from './contract.ts'
import type { EmbedFileOptions } from './embed-file.ts'
import type { EmbedOptions } from './embedding.ts'
import { imagePolicySchema } from './image-policy.ts'
import type { JoinOptions } from './merge/adapters.ts'
import type { MergeOptions } from './merge/checkpoint.ts'
import type { EmbedPartOptions } from './parts/embed-part.ts'
import type { MergePartsOptions } from './parts/merge-parts.ts'
import { presetNames } from './presets.ts'
import type { LoadOptions } from './subject.ts'

export const loadOptionSchemas: OptionSchemas<LoadOptions> = {
  device: z.enum(DEVICES),
  threads: z.int().min(1).max(MOST_THREADS),
  memory: z.enum(['fast', 'low']),
  preset: z.enum([...presetNames, 'none']),
  images: imagePolicySchema,
  attention: z.enum(ATTENTION_KINDS),
  blockSize: z.int().min(1),
  truncation: z.enum(['error', 'reference']),
  maxLength: z.int().min(1),
  stray: z.enum(['refuse', 'keep']),
  dtype: z.enum(PRECISIONS),
  readout: readoutSchema.partial(),
  readouts: z.record(z.string().min(1), readoutSchema),
  adapter: z.union([z.string().min(1), someObject]),
  adapterMode: z.enum(['live', 'merged']),
  tokenBudget: z.int().min(1),
  warn: callback,
  onDownload: callback,
  signal: abortSignal,
}

export const embedOptionSchemas: OptionSchemas<EmbedOptions> = {
  signal: abortSignal,
  onProgress: callback,
  total: z.int().min(0),
  instruction: z.string(),
  readouts: z.array(z.string()),
  // How many there may be, only the model knows.
  dims: z.int(),
  badItems: z.enum(['throw', 'skip']),
  blank: z.enum(['refuse', 'embed']),
  proven: z.boolean(),
  placeOf: callback,
  store: someObject,
}

const { total: _total, placeOf: _placeOf, store: _store, ...ownEmbedOptions } = embedOptionSchemas

export const embedFileOptionSchemas: OptionSchemas<EmbedFileOptions> = {
  ...ownEmbedOptions,
  out: z.string().min(1),
  quantize: z.enum(['int8', 'binary']),
  onResume: callback,
}

const { readouts: _readouts, proven: _proven, ...partOptions } = ownEmbedOptions

/** One machine of several. */
const shard = z
  .strictObject({ index: z.int().min(1), of: z.int().min(1) })
  .refine(({ index, of }) => index <= of, { error: 'expected an index from 1 to the number of shards' })

export const embedPartOptionSchemas: OptionSchemas<EmbedPartOptions> = {
  ...partOptions,
  out: z.string().min(1),
  quantize: z.enum(['int8', 'binary']),
  shard,
  warn: callback,
}

export const mergePartsOptionSchemas: OptionSchemas<MergePartsOptions> = {
  out: z.string().min(1),
  warn: callback,
  signal: abortSignal,
}

const { preset, warn, onDownload, signal, adapter } = loadOptionSchemas
const out = z.string().min(1)

export const mergeOptionSchemas: OptionSchemas<MergeOptions> = {
  out,
  onProgress: callback,
  adapter,
  preset,
  warn,
  onDownload,
  signal,
}

export const joinOptionSchemas: OptionSchemas<JoinOptions> = {
  out,
  weights: z.array(z.number().positive()),
  method: z.enum(MIX_METHODS),
  rank: z.int().min(1),
  preset,
  warn,
  onDownload,
  signal,
}
