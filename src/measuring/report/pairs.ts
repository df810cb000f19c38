/** @file The part of results.json that a study of models with a shared base has. */

import { z } from 'zod'
import { intervalSchema } from './interval.ts'

const name = z.string().min(1)
const count = z.int().nonnegative()

const likenessSchema = z.strictObject({
  /** Tensors of the first model; those with a counterpart; those that are equal. */
  tensors: count,
  matched: count,
  identical: count,
  /**
   * Relative distance of the matrices: 0 equal, about 1.41 unrelated; null where nothing matches.
   */
  distance: z.number().nonnegative().nullable(),
})

const comparisonSchema = z.strictObject({
  /** A model against the first model, or two masks of one model. */
  kind: z.enum(['model', 'mask']),
  /** Entries of `models`; the difference is `a` − `b`. */
  a: name,
  b: name,
  /** The tasks of the mean, in words. */
  over: name,
  interval: intervalSchema,
  /** Of the randomisation test, and adjusted for the number of comparisons (Holm). */
  p: z.number().min(0).max(1),
  adjusted: z.number().min(0).max(1),
  /** Whether the interval excludes zero and the adjusted p-value is at most 0.05. */
  told: z.boolean(),
  sentence: name,
})

export const pairsSchema = z.strictObject({
  /** The model that the others are compared with. */
  first: name,
  /** The other models: what differs, and how far their weights are the first one's. */
  others: z.array(
    z.strictObject({
      model: name,
      differs: z.array(name),
      decoder: likenessSchema,
      vision: likenessSchema,
    }),
  ),
  /** Masks that were asked for and could not be run. */
  left: z.array(z.strictObject({ model: name, mask: name, reason: name })),
  comparisons: z.array(comparisonSchema),
})

export type PairsResults = z.infer<typeof pairsSchema>
export type PairComparison = PairsResults['comparisons'][number]
