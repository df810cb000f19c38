/**
 * @file The part of results.json that a study of shipped twins has beside its own: what each
 * ingredient costs, over seeds of pretraining and tuning, as it ships with the twins.
 */

import { z } from 'zod'
import { META_TASKS } from '../../inputs/data/task.ts'
import { intervalSchema } from './interval.ts'

const name = z.string().min(1)
const state = z.enum(['tuned', 'untuned'])

/** The tasks that an effect is about. */
export const effectScope = {
  metaTask: z.enum(['all', ...META_TASKS]),
  domain: z.enum(['all', 'in', 'out']),
}

const effectSchema = z.strictObject({
  /** A difference in words: `next token − masked diffusion`. */
  effect: name,
  state,
  ...effectScope,
  /** Of hit@1, shares of 1. */
  interval: intervalSchema,
  /** The kinds of variation that the interval covers, in words. */
  covers: name,
})

export const factorsSchema = z.strictObject({
  /** Makes the table. */
  command: name,
  /** The main effects in words, and the state of the models that they are about. */
  sentence: name,
  state,
  /** The pretrained models behind the table: seeds, and the hash of the weights. */
  models: z.array(
    z.strictObject({ model: name, pretraining: z.int(), tunings: z.array(z.int()), hash: name }),
  ),
  effects: z.array(effectSchema),
})

export type Factors = z.infer<typeof factorsSchema>
export type ShippedEffect = Factors['effects'][number]
