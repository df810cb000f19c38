/** @file Settings of the part of a model that is trained. */

import { z } from 'zod'

export const trainSettings = z.strictObject({
  /** `lora`: low-rank updates beside frozen weights; `all`: the decoder's own weights. */
  method: z.enum(['lora', 'all']).default('lora'),
  rank: z.int().min(1).default(16),
  /** Updates are scaled by `alpha / rank` (`rslora`: `alpha / √rank`); null: twice the rank. */
  alpha: z.number().positive().nullable().default(null),
  rslora: z.boolean().default(false),
  /** Also trains the length of each row of the updated matrix. */
  dora: z.boolean().default(false),
  /** Share of an update's inputs that are set to 0 in a step. */
  dropout: z.number().min(0).lt(1).default(0),
  /**
   * Linear layers that are updated: a preset of the family, a regular expression of whole names,
   * or ends of names.
   */
  targets: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).default('decoder'),
  /** Modules that are trained whole beside the updates, by the ends of their names. */
  modulesToSave: z.array(z.string().min(1)).default([]),
  /** Layers among the targets that are left alone, by the ends of their names. */
  exclude: z.array(z.string().min(1)).default([]),
})

export type TrainSettings = z.output<typeof trainSettings>
