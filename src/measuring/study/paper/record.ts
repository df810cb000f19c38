/** @file The scores of one run as they are kept and shipped: small, and exact. */

import { z } from 'zod'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { CONDITIONS } from './plan.ts'

/**
 * hit@1 of a task's rows: a digit each where every row is right or wrong, else numbers (ties count
 * in parts).
 */
const hits = z.union([z.string().regex(/^[01]*$/), z.array(z.number().min(0).max(1))])
export type Hits = z.infer<typeof hits>

const state = z.strictObject({
  /** The pooling that was chosen on dev rows. */
  readout: z.string(),
  /** Mean test hit@1 over all tasks of every pooling. */
  byReadout: z.record(z.string(), z.number()),
  /** By task. */
  hits: z.record(z.string(), hits),
  /**
   * Measures of image-text alignment at the chosen pooling; those that are not defined are left
   * out.
   */
  alignment: z.record(z.string(), z.number()),
  /**
   * Remedy → task → hit@1 of the chosen pooling's vectors after the remedy; of runs on all rows
   * under their own mask alone.
   */
  remedies: z.record(z.string(), z.record(z.string(), hits)),
})
export type RecordedState = z.infer<typeof state>

export const recordSchema = z.strictObject({
  id: z.string(),
  arm: z.string(),
  pretraining: z.int(),
  tuning: z.int(),
  mask: z.enum(['native', 'other']),
  condition: z.enum(CONDITIONS),
  share: z.number(),
  /** Hash of the weights that were tuned. */
  model: z.string(),
  /** Numbers in the model, its head excepted. */
  parameters: z.int(),
  untuned: state,
  tuned: state,
  /**
   * By layer, as pretrained, mean pooling: measures of alignment, and mean test hit@1 over all
   * tasks where the run's untuned state was scored at every layer.
   */
  layers: z.record(
    z.string(),
    z.strictObject({ alignment: z.record(z.string(), z.number()), hit1: z.number().optional() }),
  ),
})
export type PaperRecord = z.infer<typeof recordSchema>

export function hitsOf(rows: readonly { hit1: number }[]): Hits {
  const values = rows.map(({ hit1 }) => hit1)
  return values.every((value) => value === 0 || value === 1) ? values.join('') : values
}

/** `[rows]` */
export function valuesOf(own: Hits): number[] {
  return typeof own === 'string' ? [...own].map(Number) : own
}

/** Mean over tasks of hit@1. */
export function scoreOf({ hits: own }: Pick<RecordedState, 'hits'>): number {
  return mean(Object.values(own).map((rows) => mean(valuesOf(rows))))
}
