/**
 * @file Alignment of image and text for every model state, and per layer for the models as they
 * were; maps.
 */

import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { analyseAlignment } from '../analysis/alignment.ts'
import { mapOf } from '../analysis/map.ts'
import { measureNames, measures } from '../analysis/measures.ts'
import type { Results } from '../report/results.ts'
import type { StudyProgress } from './options.ts'
import type { Outcome } from './outcome.ts'
import type { PairVectors } from './state.ts'

/** The registry in the report's words. */
export function measuresOf(): Results['measures'] {
  return measureNames.map((name) => {
    const { label, direction, meaning, source } = measures[name]
    return {
      name,
      label,
      direction: direction === 'neutral' ? 'neither' : direction,
      meaning,
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
  outcome: Outcome,
  { seed, signal, onProgress }: AnalysisOptions,
): Promise<Results['alignment']> {
  const layers = outcome.studied.flatMap(({ participant }) =>
    participant.layers.map(({ layer, pairs }) => ({ model: participant.id, layer, pairs })),
  )
  const states = [...layers, ...statesOf(outcome).map((state) => ({ ...state, layer: null }))]
  const rows: Results['alignment'] = []
  for (const [i, { model, layer, pairs }] of states.entries()) {
    // Between two states the event loop gets its turn: an interruption is heard.
    await new Promise((resolve) => setImmediate(resolve))
    if (signal?.aborted) throw new InterruptedError('the alignment analysis', signal)
    const found = await analyseAlignment(pairs, { seed, signal })
    for (const [measure, interval] of found) {
      if (Object.values(interval).every(Number.isFinite)) rows.push({ model, measure, layer, interval })
    }
    onProgress?.({ label: 'analysing alignment', done: i + 1, total: states.length })
  }
  return rows
}

/** Images and captions of each state on one plane; thumbnail `i` is the picture of pair `i`. */
export function mapsOf(outcome: Outcome, seed: number): Results['maps'] {
  const { pairs: shown } = outcome.world
  return statesOf(outcome).map(({ model, pairs }) => {
    const plane = mapOf(joined(pairs), { seed })
    const at = (row: number) => ({ x: plane.data[2 * row]!, y: plane.data[2 * row + 1]! })
    const points = shown.flatMap(({ caption }, i) => [
      { id: `pair-${i}`, kind: 'image' as const, ...at(i), label: caption, thumbnail: i },
      { id: `pair-${i}`, kind: 'text' as const, ...at(shown.length + i), label: caption },
    ])
    return { model, points }
  })
}

/** Every model state that has vectors of the pairs, at the readout that it is used with. */
function statesOf({ studied, baselines }: Outcome): { model: string; pairs: PairVectors }[] {
  return [
    ...studied.flatMap(({ participant: { id, plain, tuned } }) => [
      { model: id, pairs: plain.pairs },
      ...(tuned === undefined ? [] : [{ model: `${id}-tuned`, pairs: tuned.state.pairs }]),
    ]),
    ...baselines.flatMap(({ id, pairs }) => (pairs === undefined ? [] : [{ model: id, pairs }])),
  ]
}

function joined({ images, texts }: PairVectors) {
  const [rows = 0, dim = 0] = images.dims
  const data = new Float32Array(2 * rows * dim)
  data.set(images.data)
  data.set(texts.data, rows * dim)
  return f32([2 * rows, dim], data)
}
