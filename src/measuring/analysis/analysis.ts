/**
 * @file `analysis.json`: everything an analysis found, and nothing that varies from run to run (no
 * time, no machine), so that the same seed gives the same bytes.
 */

import { z } from 'zod'
import { canonicalJson } from '../../foundation/files/canonical-json.ts'
import { readJson } from '../../foundation/files/file.ts'
import { type Alignment, RESAMPLES, SAMPLE } from './alignment.ts'
import { measureNames, measures } from './measures.ts'
import { CLUSTERING, clusteringWords, pairScoreNames, pairScores } from './scores.ts'

/** The version that this code writes and reads. */
const ANALYSIS_VERSION = 1

const name = z.string().min(1)
const count = z.int().nonnegative()

/** A figure with its 95 % interval. */
const interval = z.strictObject({ value: z.number(), low: z.number(), high: z.number() })
/** A state of the decoder, counted as contracts count; null: the vectors in use. */
const layer = z.union([z.literal('inputs'), count]).nullable()
const figures = z.array(z.strictObject({ measure: name, layer, interval }))

const subject = z.strictObject({
  /** Unique in this file. */
  id: name,
  label: name,
  /** In words; null where nobody knows. */
  readout: name.nullable(),
  dim: count,
  pairs: count,
  /** Pairs that the measures over couples looked at. */
  sampled: count,
  /** Pairs of one cluster are drawn together. */
  clusters: count,
  /** A measure that is not defined for these vectors is absent. */
  figures,
})

const remedy = z.strictObject({
  /** `none` stands first: the vectors as they are. */
  remedy: name,
  label: name,
  meaning: name,
  source: z.string(),
  /** A choice that held-out pairs made, in words. */
  setting: name.nullable(),
  figures: z.array(z.strictObject({ score: name, interval, difference: interval.nullable() })),
})

const ablation = z.strictObject({
  layer: z.union([z.literal('inputs'), z.literal('last'), count]),
  norm: z.enum(['before', 'after']),
  pool: name,
  attention: name,
  dims: count,
  quantize: z.enum(['none', 'int8', 'binary']),
  /** Of one vector. */
  bytes: count,
  /** The readout in use, with all dims in f32: differences are to it. */
  base: z.boolean(),
  interval,
  difference: interval.nullable(),
})

const analysisSchema = z.strictObject({
  version: z.literal(ANALYSIS_VERSION),
  kind: z.enum(['vectors', 'models', 'runs']),
  setting: z.strictObject({ seed: z.int(), resamples: count, sample: count }),
  /** Files and models that were read, under the names that they were given by. */
  inputs: z.array(
    z.strictObject({
      role: z.enum(['images', 'texts', 'labels', 'model', 'pairs', 'run', 'fitting']),
      name,
    }),
  ),
  /** The table of measures. */
  measures: z.array(
    z.strictObject({
      name,
      label: name,
      direction: z.enum(['higher', 'lower', 'neither']),
      meaning: name,
      formula: name,
      source: name,
      /** Whether large sets are sampled for it. */
      sampled: z.boolean(),
    }),
  ),
  subjects: z.array(subject),
  /** Measures of `a` − measures of `b`, on the same pairs and draws. */
  comparisons: z.array(z.strictObject({ a: name, b: name, figures })),
  /** The table of the scores of remedies and ablations: shares, higher is better. */
  scores: z.array(z.strictObject({ name, label: name, meaning: name })),
  remedies: z.array(z.strictObject({ subject: name, fitted: count, scored: count, rows: z.array(remedy) })),
  ablations: z.array(z.strictObject({ subject: name, score: name, rows: z.array(ablation) })),
  /** Of items with both text and picture: what each of the two does. */
  fused: z.array(
    z.strictObject({
      subject: name,
      side: z.enum(['query', 'target']),
      items: count,
      figures: z.array(z.strictObject({ name, label: name, meaning: name, interval })),
    }),
  ),
  /** Over models: which measure ranks them as the score does. */
  prediction: z
    .strictObject({
      /** Of the tasks, in words. */
      score: name,
      models: z.array(z.strictObject({ id: name, score: z.number(), figures: z.record(name, z.number()) })),
      rows: z.array(
        z.strictObject({
          measure: name,
          /** Spearman's; null where the measure is the same for all models, and for two models. */
          correlation: interval.nullable(),
          /** Of a permutation test, and adjusted for the number of measures (Holm). */
          p: z.number().nullable(),
          adjusted: z.number().nullable(),
          verdict: z.enum(['predicts', 'cannot-be-told']),
        }),
      ),
    })
    .nullable(),
  /** Sentences: what was left out, and why. */
  notes: z.array(name),
})

/** Everything that an analysis found. */
export type Analysis = z.output<typeof analysisSchema>
export type AnalysisFigures = Analysis['subjects'][number]['figures']

/** An analysis that has found nothing yet. */
export function emptyAnalysis(
  kind: Analysis['kind'],
  { seed, resamples = RESAMPLES, sample = SAMPLE }: { seed: number; resamples?: number; sample?: number },
): Analysis {
  return {
    version: ANALYSIS_VERSION,
    kind,
    setting: { seed, resamples, sample },
    inputs: [],
    measures: measureWords(),
    subjects: [],
    comparisons: [],
    scores: [
      ...pairScoreNames.map((score) => {
        const { label, meaning } = pairScores[score]
        return { name: score, label, meaning }
      }),
      { name: CLUSTERING, ...clusteringWords },
    ],
    remedies: [],
    ablations: [],
    fused: [],
    prediction: null,
    notes: [],
  }
}

/** The table of measures in words. */
function measureWords(): Analysis['measures'] {
  return measureNames.map((measure) => {
    const { label, direction, meaning, formula, source, over } = measures[measure]
    return {
      name: measure,
      label,
      direction: direction === 'neutral' ? 'neither' : direction,
      meaning,
      formula,
      source,
      sampled: over === 'couples',
    }
  })
}

/** Rows of a file; a measure that is not defined has none. */
export function figuresOf(found: Alignment, at: AnalysisFigures[number]['layer'] = null): AnalysisFigures {
  return [...found].flatMap(([measure, one]) =>
    Object.values(one).every(Number.isFinite) ? [{ measure, layer: at, interval: one }] : [],
  )
}

/** Equal analyses give equal bytes. */
export function serializeAnalysis(analysis: Analysis): string {
  return canonicalJson(analysisSchema.parse(analysis))
}

/** @throws FileError `file/missing`, `file/json`, `file/schema` */
export async function readAnalysis(path: string): Promise<Analysis> {
  return await readJson(path, analysisSchema)
}
