/** @file The result of a comparison as data: `comparison.json`, which pages are made from. */

import { z } from 'zod'

const name = z.string().min(1)
const count = z.int().nonnegative()
const share = z.number().min(0).max(1)
/** A difference, model − reference, in [−1, 1]. */
const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() })
/** Of an interval: above 0, below 0, or holding it. */
const outcome = z.enum(['better', 'worse', 'cannot-be-told'])

const difference = {
  /** Means of the metric on the compared rows. */
  reference: share,
  model: share,
  difference: interval,
  /** The least true difference that so many queries show in four of five cases; null: not known. */
  detectable: z.number().nullable(),
  outcome,
}

const shown = z.strictObject({
  text: z.string().optional(),
  /** Place in `pictures`. */
  picture: count.optional(),
})

const flip = z.strictObject({
  id: z.string(),
  query: shown,
  gold: shown,
  /** The candidate that each model put first; null: it is not kept. */
  reference: shown.nullable(),
  model: shown.nullable(),
})

export const comparisonSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal('comparison'),
  metric: z.strictObject({ name, label: name }),
  setting: z.strictObject({
    seed: z.int(),
    resamples: count,
    confidence: share,
    power: share,
    /** Whether the rows of all were compared, where the runs hold different ones. */
    common: z.boolean(),
    /** Whether rows were taken for different draws of the same tasks. */
    unpaired: z.boolean(),
  }),
  /** The first is the reference, unless couples were named. */
  models: z
    .array(
      z.strictObject({
        id: name,
        label: name,
        run: name,
        family: name.nullable(),
        objective: name,
        attention: name,
        readout: name,
        fingerprint: name.nullable(),
      }),
    )
    .min(2),
  /** `queries`: those that were compared; `outOf`: those of the reference's run. */
  tasks: z.array(
    z.strictObject({
      name,
      suite: name,
      metaTask: name,
      domain: name,
      shift: name,
      averages: z.array(name),
      chance: share,
      queries: count,
      outOf: count,
    }),
  ),
  /** Rows and tasks that were left out, and why. */
  left: z.array(z.strictObject({ task: name, model: name, rows: count, reason: name })),
  /** Sentences about the operands that limit what a difference says. */
  notes: z.array(name),
  scores: z.array(z.strictObject({ model: name, task: name, value: share })),
  pairs: z.array(
    z.strictObject({
      reference: name,
      model: name,
      /** Of the mean over all tasks. */
      outcome,
      /** Of the mean over all tasks, for named couples; `adjusted`: over the couples (Holm). */
      test: z.strictObject({ name: z.literal('sign-flip'), p: share, adjusted: share }).optional(),
      /** The same as a sentence. */
      verdict: name,
      tasks: z.array(
        z.strictObject({
          task: name,
          queries: count,
          /** Groups of queries that share a picture, and are drawn together. */
          clusters: count,
          ...difference,
          /** Exact; null for different rows. `adjusted`: over tasks and pairs (Holm). */
          test: z
            .strictObject({
              name: z.enum(['mcnemar', 'sign']),
              gained: count,
              lost: count,
              p: share,
              adjusted: share,
            })
            .nullable(),
        }),
      ),
      means: z.array(z.strictObject({ name, label: name, tasks: z.array(name), ...difference })),
      /** Queries on which one model scores higher; those that are shown, the clearest first. */
      flips: z.array(
        z.strictObject({
          task: name,
          gainedCount: count,
          lostCount: count,
          gained: z.array(flip),
          lost: z.array(flip),
        }),
      ),
    }),
  ),
  /** `data:` addresses, each once. */
  pictures: z.array(z.string()),
})

/** All differences are model − reference: above 0, the model is better. */
export type ComparisonReport = z.infer<typeof comparisonSchema>
export type ComparedPair = ComparisonReport['pairs'][number]
export type ComparedOutcome = z.infer<typeof outcome>
export type ComparedFlip = z.infer<typeof flip>
