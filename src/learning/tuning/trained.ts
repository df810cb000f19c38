/**
 * @file What a conversion trains: low-rank updates of the decoder's linear layers, or the decoder's
 * own weights.
 */

import type { ScopeOptions } from '../../engine/nn/scope.ts'
import { adapterParameters, initialAdapter } from '../../models/checkpoint/adapter.ts'
import type { NamedArrays } from '../training/arrays.ts'
import { decoderLinears } from './decoder.ts'
import { TuningError } from './errors.ts'
import type { Subject } from './subject.ts'

/**
 * `lora`: updates of rank `rank` and scale `alpha / rank` on every linear layer; `all`: all weights
 * but the embedding table.
 */
export type TunedPart = { tune: 'lora'; rank: number; alpha: number } | { tune: 'all' }

/** How the weights of a subject enter a graph when `part` of it is trained. */
export function trainedScope(subject: Subject, part: TunedPart): ScopeOptions {
  const { storedDtype } = subject
  if (part.tune === 'lora') {
    const names = new Set(decoderLinears(subject.model).map(({ module }) => module))
    // Merged: a step has thousands of rows for a rank of tens (measured: 0.7 of the time of the
    // products apart).
    const update = { rank: part.rank, scale: part.alpha / part.rank, merged: true }
    return { storedDtype, adapter: (name) => (names.has(name) ? update : undefined) }
  }
  const names = new Set(wholeWeights(subject))
  return { storedDtype, trainable: (name) => names.has(name) }
}

function requireRank(rank: number, { dir, model: { shape } }: Subject): void {
  if (rank <= shape.hidden) return
  throw new TuningError('rank', {
    message: `updates of rank ${rank} on ${dir}, whose states are ${shape.hidden} wide: a matrix has no more`,
    hint: `Give a rank of at most ${shape.hidden}, or tune all weights.`,
  })
}

/**
 * Values before the first step: they leave the model as it is. @throws TuningError `tuning/rank`
 */
export async function initialTrained(subject: Subject, part: TunedPart, seed: number): Promise<NamedArrays> {
  if (part.tune === 'lora') {
    requireRank(part.rank, subject)
    return adapterParameters(initialAdapter(decoderLinears(subject.model), { ...part, seed }))
  }
  const entries: [string, NamedArrays[string]][] = []
  for (const name of wholeWeights(subject)) {
    const { dims, data } = await subject.read(name)
    entries.push([name, { dtype: 'f32', dims, data: data.slice() }])
  }
  return Object.fromEntries(entries)
}

/**
 * The embedding table stays: a few hundred steps see each token too rarely, and its gradient is as
 * large as a layer's.
 */
function wholeWeights({ decoder, model }: Subject): string[] {
  return decoder.filter(({ dims }) => dims[0] !== model.shape.vocabulary).map(({ name }) => name)
}
