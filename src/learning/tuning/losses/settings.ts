/** @file Settings of the contrastive loss. */

import { z } from 'zod'

const temperature = z.number().positive()

export const lossSettings = z.strictObject({
  name: z.enum(['infonce', 'sigmoid']).default('infonce'),
  /** Also from targets to queries, both halved. */
  symmetric: z.boolean().default(false),
  /** Fixed; falling from `start` to `end` over the first `share` of the updates; or trained. */
  temperature: z
    .union([
      temperature,
      z.strictObject({
        start: temperature,
        end: temperature,
        share: z.number().positive().max(1).default(1),
      }),
      z.strictObject({ learned: temperature }),
    ])
    .default(0.02),
  /** Whether targets equal to a query's own count as wrong for it. */
  falseNegatives: z.enum(['mask', 'keep']).default('mask'),
  /** Candidates that a teacher scores above the own target minus this are left out. */
  margin: z.number().nullable().default(null),
  /** Other queries, and other targets, as further candidates. */
  queryQuery: z.boolean().default(false),
  targetTarget: z.boolean().default(false),
  /** Hard negatives are candidates of all queries, or of their own query only. */
  negatives: z.enum(['all', 'own']).default('all'),
  /** Leading dimensions that serve as vectors of their own, and their weights. */
  matryoshka: z
    .strictObject({
      dims: z.array(z.int().min(1)).min(1),
      weights: z.array(z.number().positive()).nullable().default(null),
    })
    .nullable()
    .default(null),
})

export type LossSettings = z.output<typeof lossSettings>
