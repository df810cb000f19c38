/** @file The settings of a loss: `loss` of a tuning. */

import { z } from 'zod'
import { temperatureSettings } from './temperature.ts'

const margin = z.strictObject({
  /**
   * A hard negative leaves its own query when a teacher's score of it exceeds the target's score
   * minus this number, or the target's score times `share`. (de Souza P. Moreira et al. 2024,
   * NV-Retriever)
   */
  teacher: z
    .union([z.number(), z.strictObject({ share: z.number().positive() })])
    .nullable()
    .default(null),
  /**
   * A candidate leaves when its own cosine exceeds the target's by more than this number.
   * (Solatorio 2024, GISTEmbed, with the model as its own guide; Zhang et al. 2025, Qwen3
   * Embedding: 0.1)
   */
  own: z.number().min(-2).max(2).nullable().default(null),
})

const matryoshka = z
  .strictObject({
    /** Leading dimensions that shall serve as vectors of their own. */
    dims: z
      .array(z.int().positive())
      .min(1)
      .refine((dims) => new Set(dims).size === dims.length, 'expected each size once'),
    /** Weight of the loss of each; default 1. The sum is not divided by them. */
    weights: z.array(z.number().nonnegative()).nullable().default(null),
  })
  .refine(({ dims, weights }) => weights === null || weights.length === dims.length, {
    error: 'expected one weight for each of dims',
  })

export const lossSettings = z
  .strictObject({
    name: z.enum(['infonce', 'sigmoid']).default('infonce'),
    /** `null`: 0.02 for `infonce`, `{ learned: 0.1 }` for `sigmoid`. */
    temperature: temperatureSettings.nullable().default(null),
    /** InfoNCE: half of the loss of queries → targets, half of targets → queries. */
    symmetric: z.boolean().default(false),
    /** InfoNCE: other queries are candidates of a query too. */
    queryQuery: z.boolean().default(false),
    /** InfoNCE: other targets are candidates of a target too. */
    targetTarget: z.boolean().default(false),
    /** Sigmoid: initial bias of the logits, which is trained; `null`: −10. */
    bias: z.number().nullable().default(null),
    /**
     * `mask`: a candidate equal to a query's own target is no wrong answer. `keep`: it is, as
     * VLM2Vec trains.
     */
    falseNegatives: z.enum(['mask', 'keep']).default('mask'),
    /** Hard negatives are candidates of every query, or only of the one that they came with. */
    negatives: z.enum(['all', 'own']).default('all'),
    margin: margin.nullable().default(null),
    matryoshka: matryoshka.nullable().default(null),
  })
  .superRefine(({ name, symmetric, queryQuery, targetTarget, bias }, context) => {
    const given = name === 'sigmoid' ? { symmetric, queryQuery, targetTarget } : { bias: bias !== null }
    for (const [key, isSet] of Object.entries(given))
      if (isSet)
        context.addIssue({ code: 'custom', path: [key], message: `the loss ${name} has no such term` })
  })

export type LossSettings = z.output<typeof lossSettings>
export type MaskSettings = Pick<LossSettings, 'falseNegatives' | 'negatives' | 'margin'>
export type TeacherMargin = NonNullable<z.output<typeof margin>['teacher']>
export type MatryoshkaSettings = z.output<typeof matryoshka>
