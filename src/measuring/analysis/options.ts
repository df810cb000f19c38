/** @file Options that every analysis takes. */

import { z } from 'zod'
import { abortSignal, callback, MOST_THREADS, type OptionSchemas } from '../../foundation/files/options.ts'

export interface AnalysisOptions {
  /** Default 7. The same seed gives the same bytes. */
  seed?: number
  /** Of the intervals of measures; default 300. */
  resamples?: number
  /** Pairs at most of the measures whose cost grows with their square; default 1,000. */
  sample?: number
  /** Whether remedies are fitted and scored; default true. */
  remedies?: boolean
  /** Of the engine; default: as many as the machine has. */
  threads?: number
  signal?: AbortSignal
  onProgress?: (progress: { label: string; done: number; total: number }) => void
}

export const analysisOptionSchemas: OptionSchemas<AnalysisOptions> = {
  seed: z.int().min(0),
  resamples: z.int().min(20),
  sample: z.int().min(8),
  remedies: z.boolean(),
  threads: z.int().min(1).max(MOST_THREADS),
  signal: abortSignal,
  onProgress: callback,
}

/** The seed of an analysis that is given none. */
export const SEED = 7
