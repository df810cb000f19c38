/** @file The scores of one run as they are kept and shipped: small, and exact. */

import { z } from 'zod'
import { mean } from '../../../foundation/numeric/statistics.ts'
import { CONDITIONS } from './plan.ts'

/**
 * hit@1 of a task's rows: `ROWS:BITS` where every row is right or wrong, four rows to a hexadecimal
 * digit and the first row the highest bit; else numbers (ties count in parts).
 */
const hits = z.union([z.string().regex(/^\d+:[0-9a-f]*$/), z.array(z.number().min(0).max(1))])
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
  if (!values.every((value) => value === 0 || value === 1)) return values
  const digits = Array.from({ length: Math.ceil(values.length / 4) }, (_, digit) =>
    [0, 1, 2, 3].reduce((bits, row) => 2 * bits + (values[4 * digit + row] ?? 0), 0).toString(16),
  )
  return `${values.length}:${digits.join('')}`
}

/** `[rows]` */
export function valuesOf(own: Hits): number[] {
  if (typeof own !== 'string') return own
  const [rows = '', digits = ''] = own.split(':')
  return Array.from({ length: Number(rows) }, (_, row) => {
    const bits = Number.parseInt(digits[row >> 2] ?? '0', 16)
    return (bits >> (3 - (row & 3))) & 1
  })
}

/** Mean over tasks of hit@1. */
export function scoreOf({ hits: own }: Pick<RecordedState, 'hits'>): number {
  return mean(Object.values(own).map((rows) => mean(valuesOf(rows))))
}

/** Digits kept of a figure: finer than any interval, and a third of the file. */
const DIGITS = 6

/** A figure as records hold it. Hits stay exact. */
export function recordedFigure(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
