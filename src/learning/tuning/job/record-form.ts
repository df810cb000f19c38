/**
 * @file The form of `tuning.json`: everything that is known of a finished tuning. `bifocal report
 * DIR` renders it. It stands alone: pictures are inside, as small ones.
 */

import { z } from 'zod'

const FORMAT = 'bifocal-tuning/1'

const count = z.int().nonnegative()

/** One source of pairs, as it was read. */
const sourceSchema = z.strictObject({
  name: z.string(),
  /** Pairs that can be read. */
  pairs: count,
  /** Pairs that are trained, and pairs of the dev part. */
  train: count,
  dev: count,
  /** Share of sub-batches, relative to the other sources'. */
  weight: z.number(),
  /** sha256, hexadecimal, of everything that decides the pairs. */
  fingerprint: z.string(),
})

/** One update. */
const updateSchema = z.strictObject({
  /** Counted from 1. */
  update: count,
  /** In nats. */
  loss: z.number(),
  /** Share of queries whose own target is the nearest candidate of the batch. */
  accuracy: z.number().optional(),
  /** Before clipping. */
  gradientNorm: z.number(),
  /** Of the first group of parameters. */
  learningRate: z.number(),
  temperature: z.number().optional(),
  /** Source → pairs of this update. */
  sources: z.record(z.string(), count).optional(),
})

/** One evaluation on the dev part: each query among all dev targets. */
const evaluationSchema = z.strictObject({
  /** Updates done; 0 is the model as it came. */
  update: count,
  loss: z.number(),
  /** Share of queries whose own target comes first. */
  hit1: z.number(),
})

/** An item as a reader sees it. */
const shownSchema = z.strictObject({
  instruction: z.string().optional(),
  text: z.string().optional(),
  /** Indices into `thumbnails`. */
  images: z.array(count).optional(),
})

/** A dev pair that the tuned model gets wrong, or nearly. */
const worstSchema = z.strictObject({
  source: z.string(),
  /** Of the source, counted from 0. */
  row: count,
  query: shownSchema,
  target: shownSchema,
  /** The target that came first though it is another query's; absent where the own one did. */
  found: shownSchema.optional(),
  /** Place of the own target, from 1; halves where targets tie. */
  rank: z.number(),
  /** Cosine of the query with its own target, and with the best other one. */
  own: z.number(),
  other: z.number(),
})

/** A pair that could not be read and was left out. */
const skippedSchema = z.strictObject({
  source: z.string(),
  row: count,
  code: z.string(),
  message: z.string(),
})

export const tuningRecordSchema = z.strictObject({
  format: z.literal(FORMAT),
  /** Version of the package. */
  version: z.string(),
  /** The command that makes the same adapter. */
  command: z.string(),
  model: z.strictObject({
    /** As a stranger would name it: no path of this machine. */
    name: z.string(),
    family: z.string(),
    /** Hash of the base's weights and settings. */
    sha256: z.string(),
    parameters: count,
  }),
  /** All settings, defaults included; the same keys as in a configuration file. */
  settings: z.record(z.string(), z.unknown()),
  /** Those that decide the adapter's bytes, flat, and hashes of the sources. */
  deciding: z.record(z.string(), z.unknown()),
  data: z.array(sourceSchema),
  trained: z.strictObject({
    /** Numbers that are trained. */
    parameters: count,
    /** By kind of module: `q_proj` → its modules and numbers. */
    modules: z.array(z.strictObject({ kind: z.string(), modules: count, parameters: count })),
    /** Hash of the trained values, hexadecimal. */
    sha256: z.string(),
  }),
  /** Every update, in order. */
  curve: z.array(updateSchema),
  evaluations: z.array(evaluationSchema),
  /** The update whose values were written. */
  best: z.strictObject({ update: count, metric: z.enum(['hit@1', 'loss', 'last']), value: z.number() }),
  /** Why the training ended. */
  ended: z.enum(['all updates', 'early stopping']),
  worst: z.array(worstSchema),
  skipped: z.strictObject({ pairs: count, first: z.array(skippedSchema) }),
  /** Small pictures, `data:image/webp;base64,…`. */
  thumbnails: z.array(z.string()),
  /** Foretold before the first update, and what it took. Differs from run to run. */
  took: z.strictObject({
    /** Of training in all runs together; evaluations included. */
    seconds: z.number(),
    foretoldSeconds: z.number().optional(),
    /** Peak resident memory of the last run. */
    peakBytes: count,
    foretoldBytes: count.optional(),
    /** Updates done when a run before had stopped. */
    resumedAt: z.array(count),
    /** ISO 8601, UTC. */
    finishedAt: z.string(),
  }),
  machine: z.strictObject({
    platform: z.string(),
    cpu: z.string(),
    cores: count,
    memoryBytes: count,
    device: z.string(),
    threads: count,
  }),
})

export type TuningRecord = z.output<typeof tuningRecordSchema>

/** A record of this version's format. */
export function tuningRecord(content: Omit<TuningRecord, 'format'>): TuningRecord {
  return { format: FORMAT, ...content }
}
