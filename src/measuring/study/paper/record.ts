/** @file The scores of one run as they are kept and shipped: small, and exact. */

import { z } from 'zod'

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
})
export type RecordedState = z.infer<typeof state>

export const recordSchema = z.strictObject({
  id: z.string(),
  arm: z.string(),
  pretraining: z.int(),
  tuning: z.int(),
  mask: z.enum(['native', 'other']),
  share: z.number(),
  /** Hash of the weights that were tuned. */
  model: z.string(),
  /** Numbers in the model, its head excepted. */
  parameters: z.int(),
  untuned: state,
  tuned: state,
  /** Measures of alignment by layer, as pretrained, mean pooling. */
  layers: z.record(z.string(), z.record(z.string(), z.number())),
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
