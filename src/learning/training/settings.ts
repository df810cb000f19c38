/** @file The settings of optimizer and learning rate: `optimizer` and `schedule` of a tuning. */

import { z } from 'zod'

const rate = z.number().positive()
const decay = z.number().min(0)
const momentum = z.number().min(0).lt(1)
const rules = z.enum(['adamw', 'muon'])

const pattern = z.string().min(1).refine(isPattern, { error: 'expected a regular expression' })

const groupSettings = z.strictObject({
  /** For the log and the plan; default: `match`. */
  name: z.string().min(1).optional(),
  /** A regular expression, found anywhere in the name of a parameter. */
  match: pattern,
  /** Peak; default: the optimizer's. */
  learningRate: rate.optional(),
  /** Of all its parameters, vectors too; default: the optimizer's, of matrices. */
  weightDecay: decay.optional(),
  /** Default: the optimizer's. */
  rule: rules.optional(),
})

export const optimizerSettings = z.strictObject({
  /** `muon` updates matrices and leaves the rest to AdamW. */
  name: rules.default('adamw'),
  /** Peak. */
  learningRate: rate.default(1e-4),
  /**
   * Share taken away at each update, times the learning rate, of matrices only: no bias, norm,
   * magnitude or temperature decays, unless its group says so.
   */
  weightDecay: decay.default(0),
  /** AdamW: decay of the first and second moment. */
  betas: z.tuple([momentum, momentum]).default([0.9, 0.999]),
  /** AdamW: added to the root of the second moment. */
  epsilon: rate.default(1e-8),
  /** Muon: Nesterov momentum. */
  momentum: momentum.default(0.95),
  /**
   * Muon: `match-rms-adamw` takes the learning rates of AdamW, `original` those near 0.02. (Liu et
   * al. 2025, "Moonlight"; Jordan et al. 2024)
   */
  scale: z.enum(['match-rms-adamw', 'original']).default('match-rms-adamw'),
  /** Muon: peak learning rate of the parameters that it leaves to AdamW; `null`: `learningRate`. */
  restLearningRate: rate.nullable().default(null),
  /**
   * A parameter belongs to the first group whose `match` is found in its name. Those that no group
   * takes have the settings above.
   */
  groups: z.array(groupSettings).default([]),
})

export type OptimizerSettings = z.output<typeof optimizerSettings>

export const scheduleSettings = z.strictObject({
  /** Form of the decay after the warm-up. */
  kind: z.enum(['linear', 'cosine', 'constant']).default('linear'),
  /** Updates until the peak (1 or more), or their share of all updates (below 1). */
  warmup: z
    .number()
    .min(0)
    .refine((value) => value < 1 || Number.isInteger(value), {
      error: 'expected a whole number of updates, or a share below 1',
    })
    .default(0.1),
  /** Factor of the peak rate at the end of the decay. */
  floor: z.number().min(0).max(1).default(0),
})

export type ScheduleSettings = z.output<typeof scheduleSettings>

function isPattern(source: string): boolean {
  try {
    new RegExp(source)
    return true
  } catch {
    return false
  }
}
