/** @file What models are called in the report, and what kind of model each is. */

import { basename } from 'node:path'
import { isShipped, shippedByName } from '../../foundation/files/shipped.ts'
import type { TunedPool } from '../../learning/tuning/decoder.ts'

const LABELS: Readonly<Record<string, string>> = {
  'twin-ar': 'AR twin',
  'twin-diffusion': 'Diffusion twin',
  tower: 'Dual encoder',
}

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
  return [
    id,
    `${id}-tuned`,
    `${id}-shuffled`,
    ...['causal', 'bidirectional'].map((attention) => controlId({ id, subject: { attention } })),
  ]
}

/** The random decoder has the mask of the model that it is compared with. */
export function controlId({ id, subject }: { id: string; subject: { attention: string } }): string {
  return `${id}-random-${subject.attention}`
}

export function labelOf(id: string): string {
  return LABELS[id] ?? id
}

export function roleOf(dir: string): 'twin' | 'checkpoint' {
  return isShipped(dir) ? 'twin' : 'checkpoint'
}

/** A readout in words. */
export function readoutWords(pool: TunedPool): string {
  return pool === 'mean' ? 'last layer, mean over tokens' : 'last layer, last token'
}
