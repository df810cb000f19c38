/**
 * @file Alignment of image and text for every model state, and per layer for the models as they
 * were; maps.
 */

import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { type Alignment, analyseAlignment, layerCurves } from '../analysis/alignment.ts'
import { mapOf } from '../analysis/map.ts'
import { measureNames, measures } from '../analysis/measures.ts'
import type { Results } from '../report/results.ts'
import type { StudyProgress } from './options.ts'
import type { Outcome } from './outcome.ts'
import type { PairVectors } from './state.ts'

/** How to read each measure, for the report. */
const MEANINGS: { readonly [M in keyof Alignment]: string } = {
  modalityGap:
    'Distance between the mean image vector and the mean text vector: 0 when images and texts lie around the same place.',
  distributionGap: 'What still separates images from texts once both are centred: their different spread.',
  relativeGap: 'The gap seen against the distances within each modality.',
  separability:
    'How surely one direction tells images from texts: 0.5 when they are mixed, 1 when they lie apart.',
  matchedMargin: 'How much nearer matched pairs are than mismatched ones, in cosine.',
  matchedAuc: 'Chance that a matched pair is nearer than a mismatched one: 0.5 is guessing.',
  recallImageToText: 'How often the nearest caption of an image is its own.',
  recallTextToImage: 'How often the nearest image of a caption is its own.',
  alignment: 'Mean squared distance of matched pairs: 0 when they coincide.',
  centredAlignment: 'The same after moving both means together: what remains is no shift.',
  uniformityImages: 'How evenly images fill the sphere: lower is more even.',
  uniformityTexts: 'How evenly texts fill the sphere: lower is more even.',
  linearCka: 'Whether images and texts have the same geometry, up to rotation and scale.',
  mutualNeighbours: 'Share of neighbours that an item has in both modalities.',
  effectiveRankImages: 'In how many directions images really vary.',
  effectiveRankTexts: 'In how many directions texts really vary.',
  hubness: 'Whether a few texts are the neighbours of everything: high is bad for retrieval.',
}

/** The registry in the report's words. */
export function measuresOf(): Results['measures'] {
  return measureNames.map((name) => {
    const { label, direction, source } = measures[name]
    return {
      name,
      label,
      direction: direction === 'neutral' ? 'neither' : direction,
      meaning: MEANINGS[name],
      source,
    }
  })
}

export interface AnalysisOptions {
  seed: number
  signal?: AbortSignal
  onProgress?: (progress: StudyProgress) => void
}

/**
 * Rows of all measures; where a state leaves a measure undefined (all vectors equal) there is none.
 * Curves use mean pooling.
 */
export async function alignmentOf(
  { studied }: Outcome,
  { seed, signal, onProgress }: AnalysisOptions,
): Promise<Results['alignment']> {
  const states = studied.flatMap(({ participant: { id, untuned, tuned, layers } }) => [
    ...layers.map((pairs, layer) => ({ model: id, layer, pairs })),
    { model: id, layer: null, pairs: untuned.pairs },
    { model: `${id}-tuned`, layer: null, pairs: tuned.pairs },
  ])
  const rows: Results['alignment'] = []
  for (const [i, { model, layer, pairs }] of states.entries()) {
    // Between two states the event loop gets its turn: an interruption is heard.
    await new Promise((resolve) => setImmediate(resolve))
    if (signal?.aborted) throw new InterruptedError('the alignment analysis', signal)
    const found =
      layer === null
        ? analyseAlignment(pairs, { seed })
        : layerCurves([{ layer, pairs }], { seed })[0]!.measures
    for (const measure of measureNames) {
      const interval = found[measure]
      if (Object.values(interval).every(Number.isFinite)) rows.push({ model, measure, layer, interval })
    }
    onProgress?.({ label: 'analysing alignment', done: i + 1, total: states.length })
  }
  return rows
}

/** Images and captions of each state on one plane; thumbnail `i` is the picture of pair `i`. */
export function mapsOf({ studied, world }: Outcome, seed: number): Results['maps'] {
  return studied.flatMap(({ participant: { id, untuned, tuned } }) =>
    [
      { model: id, pairs: untuned.pairs },
      { model: `${id}-tuned`, pairs: tuned.pairs },
    ].map(({ model, pairs }) => {
      const plane = mapOf(joined(pairs), { seed })
      const at = (row: number) => ({ x: plane.data[2 * row]!, y: plane.data[2 * row + 1]! })
      const count = world.pairs.length
      const points = world.pairs.flatMap(({ caption }, i) => [
        { id: `pair-${i}`, kind: 'image' as const, ...at(i), label: caption, thumbnail: i },
        { id: `pair-${i}`, kind: 'text' as const, ...at(count + i), label: caption },
      ])
      return { model, points }
    }),
  )
}

function joined({ images, texts }: PairVectors) {
  const [rows = 0, dim = 0] = images.dims
  const data = new Float32Array(2 * rows * dim)
  data.set(images.data)
  data.set(texts.data, rows * dim)
  return f32([2 * rows, dim], data)
}
