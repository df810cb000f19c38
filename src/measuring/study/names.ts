/** @file Names of models and readouts in the report, and the kind of each model. */

import { basename } from 'node:path'
import { shippedByName } from '../../foundation/files/shipped.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import type { Subject } from '../../models/embedder/subject.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'

/** A vision-language model that the embedder opened. */
export interface VisionLanguageSubject extends Subject {
  readonly model: VisionLanguageModel
}

const LABELS: Readonly<Record<string, string>> = {
  'twin-ar': 'AR twin',
  'twin-diffusion': 'Diffusion twin',
  tower: 'Dual encoder',
}

/** Kinds of mask that a decoder runs with. */
export const MASKS = ['causal', 'bidirectional', 'block'] as const
export type Mask = (typeof MASKS)[number]

/** Ids of baselines that are no folders. */
const OTHERS = ['pixels', 'majority', 'chance']

/**
 * Ids of folders: their last path element, numbered where it would meet another id of the study,
 * those of a model's other states included.
 */
export function idsOf(dirs: readonly string[]): string[] {
  const taken = new Set(OTHERS)
  return dirs.map((dir) => {
    const name = basename(shippedByName(dir) ?? dir) || 'model'
    for (let count = 1; ; count++) {
      const id = count === 1 ? name : `${name}-${count}`
      const states = statesOf(id)
      if (states.some((state) => taken.has(state))) continue
      for (const state of states) taken.add(state)
      return id
    }
  })
}

function statesOf(id: string): string[] {
  const masked = [id, ...MASKS.map((mask) => maskedId(id, mask))]
  return masked.flatMap((own) => [
    own,
    `${own}-tuned`,
    `${own}-shuffled`,
    ...MASKS.map((mask) => controlId(own, mask)),
  ])
}

/** The same weights under a mask that is not the model's own. */
export function maskedId(id: string, mask: Mask): string {
  return `${id}-${mask}`
}

/** The random decoder has the mask of the model that it is compared with. */
export function controlId(id: string, mask: Mask): string {
  return `${id}-random-${mask}`
}

/** The mask that a model runs with. */
export function maskOf({ model, encoder }: VisionLanguageSubject): Mask {
  const { attention } = encoder.contract
  if (attention !== 'native') return attention
  const { nativeAttention: native } = model.shape
  return typeof native === 'object' ? 'block' : native
}

export function labelOf(id: string): string {
  return LABELS[id] ?? id
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
