/** @file Analyses two sets of vectors that anybody made. */

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { readFailure } from '../../foundation/files/errors.ts'
import { checkOptions, type OptionSchemas } from '../../foundation/files/options.ts'
import { shapeOf } from '../../foundation/numeric/linear.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { readVectorSet } from '../../models/embedder/vectors/read.ts'
import { analyseAlignment } from './alignment.ts'
import { type Analysis, emptyAnalysis, figuresOf } from './analysis.ts'
import { AnalysisError } from './errors.ts'
import { firstOfEqual, rowBytes } from './linked.ts'
import { type MatchedPairs, matchedSets } from './matched.ts'
import { type AnalysisOptions, analysisOptionSchemas, SEED } from './options.ts'
import { type Pairs, requireEnough, selected, unitPairs } from './pairs.ts'
import { rescore } from './remedies/rescore.ts'

/** A file or folder that `readVectorSet` reads, or `[rows, dim]` in memory. */
type GivenVectors = string | Tensor<'f32'>

export interface AnalyzeVectorsOptions extends AnalysisOptions {
  images: GivenVectors
  /** As many as images, in the same order; files with ids are matched by these. */
  texts: GivenVectors
  /**
   * Classes, for the score of clusters: one for each row of the images, or a file with one a line.
   */
  labels?: readonly string[] | string
  /** Images of one cluster are drawn together, e.g. those of a photographer: one for each row. */
  clusters?: readonly string[]
  /** Pairs that remedies are fitted to; default: half of the pairs, which are then not scored. */
  fitting?: { images: GivenVectors; texts: GivenVectors }
  /** For tables; default: the images' file. */
  label?: string
}

const vectors = z.union([
  z.string().min(1),
  z.custom((value) => isMatrix(value), 'expected a path or a matrix'),
])
const schemas: OptionSchemas<AnalyzeVectorsOptions> = {
  ...analysisOptionSchemas,
  images: vectors,
  texts: vectors,
  labels: z.union([z.string().min(1), z.array(z.string())]),
  clusters: z.array(z.string()),
  fitting: z.strictObject({ images: vectors, texts: vectors }),
  label: z.string().min(1),
}

function isMatrix(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dims' in value &&
    'data' in value &&
    value.data instanceof Float32Array
  )
}

/**
 * Measures how images and texts are aligned, and which remedies help.
 * @throws AnalysisError `analysis/count`, `analysis/dims`, `analysis/ids`, `analysis/too-few`,
 *   `analysis/zero-vector`; StatisticsError `statistics/not-finite`; UsageError `usage/option`; as
 *   `readVectorSet`; InterruptedError
 * @example const { subjects, remedies } = await analyzeVectors({ images: 'a.npy', texts: 'b.npy' })
 */
export async function analyzeVectors(options: AnalyzeVectorsOptions): Promise<Analysis> {
  checkOptions('analyzeVectors', schemas, options, ['images', 'texts'])
  const { seed = SEED, resamples, sample, threads, signal, onProgress, fitting } = options
  const matched = await matchedOf(options.images, options.texts, signal)
  const pairs = unitPairs(matched.pairs)
  const { rows, dim } = shapeOf(pairs.images)
  const labels = await labelsOf(options.labels, matched)
  const repeated = { images: firstOfEqual(pairs.images), texts: firstOfEqual(pairs.texts) }
  const clusters =
    options.clusters === undefined
      ? repeated.images.map((row) => matched.ids[row]!)
      : ofPlaces(options.clusters, matched, 'clusters')
  const rough = requireEnough(clusters)
  const analysis = emptyAnalysis('vectors', { seed, resamples, sample })
  analysis.inputs.push(...inputsOf(options))
  if (matched.skipped > 0) analysis.notes.push(`${matched.skipped} pairs without both vectors were left out`)
  const copies = clusters.filter((_, i) => repeated.images[i] !== i || repeated.texts[i] !== i).length
  if (copies > 0) {
    analysis.notes.push(
      `${copies} of ${rows} pairs have the image or the text of an earlier pair, and count as its mismatches: ` +
        'keep one of each for recall that compares with other sets',
    )
  }
  analysis.notes.push(...rough)
  if (labels !== undefined && new Set(labels).size < 2)
    analysis.notes.push('all labels are the same: there is no score of clusters')
  const label = options.label ?? (typeof options.images === 'string' ? options.images : 'vectors')
  const steps = options.remedies === false ? 1 : 2
  onProgress?.({ label: 'measures', done: 0, total: steps })
  const found = await analyseAlignment(pairs, { seed, resamples, sample, clusters, threads, signal })
  analysis.subjects.push({
    id: 'vectors',
    label,
    readout: null,
    dim,
    pairs: rows,
    sampled: Math.min(rows, analysis.setting.sample),
    clusters: new Set(clusters).size,
    figures: figuresOf(found),
  })
  if (steps === 1) return analysis
  onProgress?.({ label: 'remedies', done: 1, total: steps })
  const others = fitting && withoutScored(await fittingOf(fitting, dim, signal), pairs)
  analysis.notes.push(...(others?.notes ?? []))
  const rescored = await rescore(pairs, {
    seed,
    clusters,
    threads,
    signal,
    ...(labels && { labels }),
    ...(others && { fitting: others.pairs }),
  })
  addRemedies(analysis, 'vectors', rescored)
  return analysis
}

/** Joins remedies to an analysis, or says why there are none. */
export function addRemedies(
  analysis: Analysis,
  subject: string,
  rescored: Awaited<ReturnType<typeof rescore>>,
): void {
  if (rescored === undefined)
    analysis.notes.push(`${subject}: too few pairs to fit remedies and to score them`)
  else {
    const rows = rescored.rows.map((row) => ({ ...row, figures: row.figures.map((one) => ({ ...one })) }))
    analysis.remedies.push({ subject, fitted: rescored.fitted, scored: rescored.scored, rows })
  }
}

async function matchedOf(
  images: GivenVectors,
  texts: GivenVectors,
  signal: AbortSignal | undefined,
): Promise<MatchedPairs> {
  const set = async (given: GivenVectors, what: string) => {
    if (typeof given === 'string') return await readVectorSet(given, { signal })
    const { rows } = shapeOf(given)
    return { path: what, vectors: given, indices: Array.from({ length: rows }, (_, i) => i), skipped: 0 }
  }
  return matchedSets(await set(images, 'images'), await set(texts, 'texts'))
}

/**
 * Pairs to fit less those whose image is scored too: a remedy would know the answer. A text may be
 * that of a scored pair, as the name of a class is of many images; how many are is told.
 */
function withoutScored(fitting: Pairs, scored: Pairs): { pairs: Pairs; notes: string[] } {
  const known = { images: new Set(rowBytes(scored.images)), texts: new Set(rowBytes(scored.texts)) }
  const [images, texts] = [rowBytes(fitting.images), rowBytes(fitting.texts)]
  const rows = [...images.keys()].filter((row) => !known.images.has(images[row]!))
  const left = images.length - rows.length
  const shared = rows.filter((row) => known.texts.has(texts[row]!)).length
  const notes = [
    ...(left > 0
      ? [`${left} of the pairs to fit have an image that is scored: remedies were not fitted to them`]
      : []),
    ...(shared > 0 ? [`${shared} of the pairs that were fitted have a text that is scored`] : []),
  ]
  return { pairs: selected(fitting, rows), notes }
}

/** @throws AnalysisError `analysis/dims` */
async function fittingOf(
  { images, texts }: { images: GivenVectors; texts: GivenVectors },
  dim: number,
  signal: AbortSignal | undefined,
): Promise<Pairs> {
  const pairs = unitPairs((await matchedOf(images, texts, signal)).pairs)
  const { dim: own } = shapeOf(pairs.images)
  if (own === dim) return pairs
  throw new AnalysisError('dims', {
    message: `vectors to fit have ${own} elements, those to score ${dim}`,
    hint: 'Both must come from one model, cut to the same number of dimensions.',
  })
}

async function labelsOf(
  given: readonly string[] | string | undefined,
  matched: MatchedPairs,
): Promise<readonly string[] | undefined> {
  if (given === undefined) return undefined
  if (typeof given !== 'string') return ofPlaces(given, matched, 'labels')
  const text = await readFile(given, 'utf8').catch((cause: unknown) => {
    throw readFailure(given, cause)
  })
  return ofPlaces(text.replace(/\r?\n$/, '').split(/\r?\n/), matched, `labels of ${given}`)
}

/** @throws AnalysisError `analysis/count` */
function ofPlaces(list: readonly string[], { places, skipped }: MatchedPairs, what: string): string[] {
  const expected = places.length + skipped
  if (list.length === expected) return places.map((place) => list[place]!)
  throw new AnalysisError('count', {
    message: `${list.length} ${what} for ${expected} images`,
    hint: 'Give one for each row of the images, in their order.',
  })
}

function inputsOf({ images, texts, labels, fitting }: AnalyzeVectorsOptions): Analysis['inputs'] {
  const named = (role: Analysis['inputs'][number]['role'], given: unknown) =>
    given === undefined ? [] : [{ role, name: typeof given === 'string' ? given : 'in memory' }]
  return [
    ...named('images', images),
    ...named('texts', texts),
    ...named('labels', labels),
    ...named('fitting', fitting?.images),
    ...named('fitting', fitting?.texts),
  ]
}
