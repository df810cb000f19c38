/** @file The form of a fixture of a whole training, and its settings as the trainer's. */

import { z } from 'zod'
import {
  type OptimizerSettings,
  optimizerSettings,
  type ScheduleSettings,
  scheduleSettings,
} from '../../learning/training/settings.ts'
import { type LossSettings, lossSettings } from '../../learning/tuning/losses/settings.ts'
import type { Contract } from '../../models/embedder/contract.ts'
import { pools } from '../../models/embedder/readout.ts'

const numbers = z.array(z.number())
const places = z.array(z.int().nonnegative())
const limits = z.object({ max: z.number(), rms: z.number() })
const stopping = z.object({
  every: z.int().positive(),
  patience: z.int().positive(),
  min_delta: z.number(),
})
const stopped = z.object({ stop_step: z.number().nullable(), best_step: z.number().nullable() })

export const runFixture = z.looseObject({
  kind: z.literal('run'),
  pooling: z.enum(pools),
  attention: z.enum(['causal', 'bidirectional']),
  temperature: z.number().nullish(),
  /** Initial values of trained scalars. */
  log_scale: z.number().nullish(),
  bias: z.number().nullish(),
  items: z.array(z.object({ prompt: z.string(), images: z.array(z.string()) })),
  pairs: z.array(z.object({ query: z.int(), target: z.int(), negatives: places.default([]) })),
  /** For each update its micro-batches, each a list of pairs. */
  plan: z.array(z.array(places)),
  dev_pairs: places.optional(),
  loss: z.looseObject({
    name: z.string(),
    symmetric: z.boolean().default(false),
    mask_false_negatives: z.boolean().default(false),
    matryoshka: z.object({ dims: places, weights: numbers }).nullish(),
  }),
  optimizer: z.object({
    name: z.literal('AdamW'),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    groups: z.array(
      z.object({
        name: z.string(),
        match: z.string(),
        learning_rate: z.number(),
        weight_decay: z.number(),
      }),
    ),
  }),
  schedule: z.object({
    kind: z.enum(['linear', 'cosine', 'constant']),
    warmup_steps: z.number(),
    total_steps: z.int().positive(),
    floor: z.number().default(0),
  }),
  clip: z.object({ max_norm: z.number() }).nullish(),
  /** Items of a chunk. */
  gradcache: z.looseObject({ chunk: z.int().positive() }).nullish(),
  groups: places,
  input_ids: z.array(z.array(z.int())),
  /** Settings of the family. */
  options: z.record(z.string(), z.unknown()).optional(),
  without_gradient: z.array(z.string()).default([]),
  early_stopping: stopping
    .extend({
      series: z.array(stopping.extend({ losses: numbers, expect: stopped })),
      dev_losses: z.array(z.object({ step: z.number(), loss: z.number() })),
      expect: stopped,
    })
    .optional(),
  steps: z.array(
    z.looseObject({
      step: z.number(),
      loss: z.number(),
      micro_losses: numbers.optional(),
      gradient_norm: z.number(),
      learning_rates: numbers,
      log_scale: z.number().optional(),
      bias: z.number().optional(),
    }),
  ),
  final_log_scale: z.number().optional(),
  final_bias: z.number().optional(),
  tolerance: z.looseObject({
    loss: numbers,
    gradient_norm: numbers,
    log_scale: z.number().optional(),
    bias: z.number().optional(),
    vectors: z.object({ before: z.number(), after: z.number() }),
    gradient: z.object({ relative: z.number(), floor: z.number() }),
    /** By the end of the folder's name: an update, or `best`. */
    adapter: z.record(z.string(), limits),
    dev_loss: numbers.optional(),
    learning_rate: z.number(),
  }),
})

export type RunFixture = z.output<typeof runFixture>

/** Prompts are final strings, so that the contract adds nothing to them. */
export function contractOf({ pooling, attention, options }: RunFixture, plain: Contract): Contract {
  return {
    ...plain,
    attention,
    prompt: { template: '{text}' },
    readout: { layer: 'last', norm: 'after', pool: pooling },
    ...(options && { family: options }),
  }
}

export function lossOf({ loss, temperature, log_scale: logScale, bias }: RunFixture): LossSettings {
  const { name, symmetric, mask_false_negatives: masked, matryoshka } = loss
  return lossSettings.parse({
    ...(/sig/i.test(name) ? { name: 'sigmoid' } : { name: 'infonce', symmetric }),
    temperature: temperature ?? { learned: Math.exp(-(logScale ?? Number.NaN)) },
    falseNegatives: masked ? 'mask' : 'keep',
    ...(bias != null && { bias }),
    ...(matryoshka && { matryoshka }),
  })
}

export function optimizerOf({ optimizer: { betas, eps: epsilon, groups } }: RunFixture): OptimizerSettings {
  return optimizerSettings.parse({
    betas,
    epsilon,
    groups: groups.map(({ name, match, learning_rate: learningRate, weight_decay: weightDecay }) => ({
      name,
      match: match || '^',
      learningRate,
      weightDecay,
    })),
  })
}

export function scheduleSettingsOf({
  schedule: { kind, warmup_steps: warmup, floor },
}: RunFixture): ScheduleSettings {
  return scheduleSettings.parse({ kind, warmup, floor })
}
