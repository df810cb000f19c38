/** @file Settings of what is trained: low-rank updates or whole weights, and of which modules. */

import { z } from 'zod'
import { pythonPattern } from '../../../models/checkpoint/adapter-targets.ts'

/**
 * Named sets of modules. `decoder`, `projector` and `tower` are the parts of a model; `vlm2vec` is
 * the list of path endings that VLM2Vec gives to PEFT.
 */
export const TARGETS = ['decoder', 'decoder+projector', 'decoder+projector+tower', 'vlm2vec'] as const
export type TargetPreset = (typeof TARGETS)[number]

function compiles(pattern: string): boolean {
  try {
    pythonPattern(`^(?:${pattern})$`)
    return true
  } catch {
    return false
  }
}

const pattern = z.string().min(1).refine(compiles, 'is no regular expression')
const endings = z.array(z.string().min(1))
const numbers = z.record(pattern, z.number().positive())

export const trainSettings = z.strictObject({
  /** `lora`: low-rank updates beside the weights; `all`: the weights themselves. */
  method: z.enum(['lora', 'all']).default('lora'),
  rank: z.int().positive().default(16),
  /** The updates' scale is alpha / rank; `null`: twice the rank. */
  alpha: z.number().positive().nullable().default(null),
  /** The scale is alpha / √rank. @see Kalajdzievski 2023 */
  rslora: z.boolean().default(false),
  /** Updates turn a weight's rows, whose lengths are trained apart. @see Liu et al. 2024 */
  dora: z.boolean().default(false),
  /** Share of the elements that an update does not see, drawn anew at each step. */
  dropout: z.number().min(0).max(0.9).default(0),
  /**
   * Values of A before the first step, as PEFT names them: `gaussian`, of standard deviation
   * 1 / rank, or `kaiming`, uniform within 1 / √inputs. B is zero.
   */
  initial: z.enum(['gaussian', 'kaiming']).default('gaussian'),
  /**
   * A preset, else PEFT's `target_modules`: path endings, or one regular expression for the whole
   * path of a module.
   */
  targets: z.union([pattern, endings.min(1)]).default('decoder'),
  /** Modules that stay as they are though `targets` names them; written in the same two ways. */
  exclude: z.union([pattern, endings]).default([]),
  /** Path endings of modules that are trained whole beside the updates. */
  modulesToSave: endings.default([]),
  /** Ranks and alphas of single modules: a regular expression for the end of a path → a number. */
  rankPattern: z.record(pattern, z.int().positive()).default({}),
  alphaPattern: numbers.default({}),
  /**
   * Goes on training the adapter that the model comes with. Rank, alpha, kind and modules are then
   * the adapter's.
   */
  continue: z.boolean().default(false),
})

export type TrainSettings = z.output<typeof trainSettings>
