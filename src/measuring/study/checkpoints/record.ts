/** @file The record of a study of checkpoints, `study.json`: it holds nothing that varies. */

import { z } from 'zod'

const name = z.string().min(1)
const count = z.int().nonnegative()
const share = z.number().min(0).max(1)

export const checkpointRecordSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('checkpoints'),
  /** Makes the same results again. */
  command: z.string(),
  models: z.array(
    z.strictObject({
      /** Ids are those of the run. */
      id: name,
      label: name,
      /** Null: it was scored as it is. */
      tuned: z
        .strictObject({
          id: name,
          /** Within the study's folder. */
          folder: name,
          /** Updates, and the one whose values were written. */
          updates: count,
          best: count,
          /** Pairs that were trained. */
          pairs: count,
          parameters: count,
        })
        .nullable(),
    }),
  ),
  tasks: z.array(name),
  /** Rows of tasks that are training pairs too; null: nothing was tuned. */
  overlaps: z
    .strictObject({
      /** Pairs that were looked at, of `pairs`. */
      looked: count,
      pairs: count,
      found: z.array(z.strictObject({ task: name, rows: count, of: count })),
    })
    .nullable(),
  /** Of the mean hit@1 over all tasks, model − reference. */
  comparisons: z.array(
    z.strictObject({
      /** Two models in their last states, a model with itself untuned, two untuned ones. */
      kind: z.enum(['models', 'tuning', 'as they are']),
      reference: name,
      model: name,
      difference: z.strictObject({ value: z.number(), low: z.number(), high: z.number() }),
      /** Of the randomisation test; `adjusted`: over all comparisons (Holm). */
      p: share,
      adjusted: share,
      /** Whether the interval excludes 0 and the adjusted p is at most 0.05. */
      told: z.boolean(),
      sentence: name,
    }),
  ),
})

export type CheckpointRecord = z.output<typeof checkpointRecordSchema>
export type CheckpointComparison = CheckpointRecord['comparisons'][number]
