/** @file What models are called in the report, and what kind of model each is. */

import { basename } from 'node:path'
import type { ResultsModel } from '../report/index.ts'
import type { TunedPool } from '../tuning/decoder.ts'
import { isShipped } from './options.ts'

const LABELS: Readonly<Record<string, string>> = { 'twin-ar': 'AR twin', 'twin-diffusion': 'Diffusion twin', tower: 'Dual encoder' }

/** Ids of folders: their last path element, numbered where two are equal. */
export function idsOf(dirs: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return dirs.map((dir) => {
    const name = basename(dir) || 'model'
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return count === 1 ? name : `${name}-${count}`
  })
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

/** What a family was pretrained with. */
export function objectiveOf(family: string): ResultsModel['objective'] {
  return family === 'lavida' ? 'diffusion' : family === 'llava' ? 'autoregressive' : 'contrastive'
}

/** A readout in words. */
export function readoutWords(pool: TunedPool): string {
  return pool === 'mean' ? 'last layer, mean over tokens' : 'last layer, last token'
}
