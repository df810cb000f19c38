/** @file Settings of batches and of the dev part. */

import { z } from 'zod'

export const batchSettings = z.strictObject({
  /** Pairs whose targets are each other's candidates. */
  size: z.int().min(1).default(64),
  /** Pairs of one source that lie side by side; null: the whole batch with one source, else 8. */
  subBatch: z.int().min(1).nullable().default(null),
  /** Batches of an update: their gradients are averaged. */
  accumulate: z.int().min(1).default(1),
  /** Positions of a chunk; null: by the model's width. A batch beyond it runs by GradCache. */
  chunkTokens: z.int().min(1).nullable().default(null),
  /** Hard negatives of a pair in a batch, at most: others take turns; null: all. */
  negatives: z.int().min(0).nullable().default(null),
})

export const devSettings = z.strictObject({
  /** Updates between evaluations; null: a twentieth of all. */
  every: z.int().min(1).nullable().default(null),
  /** The figure that decides which evaluation is better. */
  metric: z.enum(['loss', 'hit1']).default('loss'),
  /** Evaluations without a better score before the training stops; null: it goes on. */
  patience: z.int().min(1).nullable().default(null),
  /** By how much a score has to be better. */
  minDelta: z.number().min(0).default(0),
  /** Which values are written: those of the best evaluation, or the last. */
  keep: z.enum(['best', 'last']).default('best'),
})
