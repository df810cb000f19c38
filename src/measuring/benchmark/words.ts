/** @file Words for models and readouts in reports. */

import type { Readout } from '../../models/embedder/readout.ts'
import type { Subject } from '../../models/embedder/subject.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'

/** A vision-language model that the embedder opened. */
export interface VisionLanguageSubject extends Subject {
  readonly model: VisionLanguageModel
}

export function isVisionLanguage(subject: Subject): subject is VisionLanguageSubject {
  return subject.model.kind === 'vision-language'
}

const LABELS: Readonly<Record<string, string>> = {
  'twin-ar': 'AR twin',
  'twin-diffusion': 'Diffusion twin',
  'twin-discrete': 'Discrete diffusion twin',
  tower: 'Dual encoder',
}

/** The name of a shipped model in tables; another one goes by its id. */
export function labelOf(id: string): string {
  return LABELS[id] ?? id
}

/** Kinds of mask that a decoder runs with. */
export const MASKS = ['causal', 'bidirectional', 'block'] as const
export type Mask = (typeof MASKS)[number]

/** The mask that a model runs with. */
export function maskOf({ model, encoder }: VisionLanguageSubject): Mask {
  const { attention } = encoder.contract
  if (attention !== 'native') return attention
  const { nativeAttention: native } = model.shape
  return typeof native === 'object' ? 'block' : native
}

const POOLS: Readonly<Partial<Record<Readout['pool'], string>>> = {
  mean: 'mean over tokens',
  last: 'last token',
}

/** A readout in words: `last layer, mean over tokens`. */
export function readoutWords({ layer, norm, pool, dims }: Readout): string {
  const where = layer === 'last' ? 'last layer' : layer === 'inputs' ? 'inputs' : `layer ${layer}`
  const state = norm === 'after' && layer === 'last' ? where : `${where} ${norm} the norm`
  const kept = dims === undefined ? [] : [`${dims} dims`]
  return [state, POOLS[pool] ?? `pooling ${pool}`, ...kept].join(', ')
}
