/** @file The options of a run. */

import { z } from 'zod'
import { abortSignal, callback, type OptionSchemas } from '../../../foundation/files/options.ts'
import { STRAY, type Stray } from '../../../inputs/data/mmeb/placeholder.ts'
import { loadOptionSchemas } from '../../../models/embedder/options.ts'
import type { LoadOptions } from '../../../models/embedder/subject.ts'
import type { Shard } from '../../../models/embedder/vectors/storing.ts'
import type { TaskSource } from '../suites/suite.ts'
import type { Contestant } from './contestant.ts'
import type { ScoreLimit } from './limits.ts'

/** How far a part of the run is. */
interface RunProgress {
  label: string
  done: number
  total: number
}

export interface EvaluateOptions {
  /** Folder of the run. A stopped run of the same folder goes on. */
  out: string
  tasks: readonly TaskSource[]
  /** Models as `Embedder.load` takes them. */
  models?: readonly string[]
  /**
   * Vectors that were made elsewhere, `FILE` or `LABEL=FILE`: by the keys of items, or in the order
   * of `RUN/items.jsonl`.
   */
  vectors?: readonly string[]
  /** Names of baselines that are scored beside the models. */
  baselines?: readonly string[]
  /** Further contestants. */
  contestants?: readonly Contestant[]
  /** Device, precision, preset, readout …, of all models. */
  load?: Omit<LoadOptions, 'warn' | 'signal'>
  /** Folder of the stored vectors; default: `vectors` in the run. */
  store?: string
  /** Rows of each task at most: its first ones. */
  limit?: number
  /** Seconds that embedding may take: rows are drawn so that it fits. */
  budget?: number
  /** Of intervals and of rows that are drawn; default 7. */
  seed?: number
  /** How a placeholder without a picture is read; default `drop`. */
  stray?: Stray
  /** Rows that may be left out because of their items; default 100. */
  maxProblems?: number
  /** Scores to be reached: names that the run does not have are refused before it begins. */
  limits?: readonly ScoreLimit[]
  /** Whether the first problem ends the run. */
  strict?: boolean
  /** Only this machine's part of the vectors, and no scores. */
  shard?: Shard
  /** The command line, for run.json. */
  argv?: readonly string[]
  /** Kept in a shard: by it, whoever merges the shards opens models and tasks again. */
  asked?: unknown
  /** Makes the same results again, for results.json. */
  command?: string
  signal?: AbortSignal
  onProgress?: (progress: RunProgress) => void
  /** Told of things that a user should know though nothing failed. */
  warn?: (message: string) => void
}

const count = z.int().min(1)
const { warn: _warn, signal: _signal, ...load } = loadOptionSchemas

export const evaluateOptionSchemas: OptionSchemas<EvaluateOptions> = {
  out: z.string().min(1),
  tasks: z.array(z.custom((one) => typeof one === 'object' && one !== null && 'open' in one)).min(1),
  models: z.array(z.string().min(1)),
  vectors: z.array(z.string().min(1)),
  baselines: z.array(z.string()),
  contestants: z.array(z.custom((one) => typeof one === 'object' && one !== null && 'open' in one)),
  load: z.strictObject(
    Object.fromEntries(Object.entries<z.ZodType>(load).map(([name, schema]) => [name, schema.optional()])),
  ),
  store: z.string().min(1),
  limit: count,
  budget: z.number().positive(),
  seed: z.int().min(0),
  stray: z.enum(STRAY),
  maxProblems: z.int().min(0),
  limits: z.array(z.strictObject({ name: z.string().min(1), score: z.number().min(0).max(1) })),
  strict: z.boolean(),
  shard: z
    .strictObject({ index: count, of: count })
    .refine(({ index, of }) => index <= of, { error: 'expected an index from 1 to the number of shards' }),
  argv: z.array(z.string()),
  asked: z.unknown(),
  command: z.string(),
  signal: abortSignal,
  onProgress: callback,
  warn: callback,
}

export const DEFAULT_SEED = 7
export const DEFAULT_MOST_PROBLEMS = 100
