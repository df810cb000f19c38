/** @file Settings of optimizer and learning rate. */

import { z } from 'zod'

const rate = z.number().positive()

export const optimizerSettings = z.strictObject({
  /** The rule of all parameters that no group takes; Muon takes matrices, AdamW the rest. */
  name: z.enum(['adamw', 'muon']).default('adamw'),
  /** Peak. */
  learningRate: rate.default(1e-4),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
  epsilon: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0),
  /** A parameter belongs to the first group whose regular expression is found in its name. */
  groups: z
    .array(
      z.strictObject({
        name: z.string().optional(),
        match: z.string().min(1),
        learningRate: rate.optional(),
        weightDecay: z.number().min(0).optional(),
        rule: z.enum(['adamw', 'muon']).optional(),
      }),
    )
    .default([]),
})

export type OptimizerSettings = z.output<typeof optimizerSettings>

export const scheduleSettings = z.strictObject({
  /** Form of the decay after the warm-up. */
  kind: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  /** Updates (1 or more), or a share of all (below 1). */
  warmup: z.number().min(0).default(0.1),
  /** Factor of the peak rate at the end. */
  floor: z.number().min(0).max(1).default(0),
})

export type ScheduleSettings = z.output<typeof scheduleSettings>
