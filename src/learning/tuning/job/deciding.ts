/** @file The settings that decide a tuning's bytes: a run of others cannot go on. */

import { isLayer, type TuneSettings } from '../settings.ts'

/** Keys of the machine, of places and of what is only told. */
const OTHERS = [
  'model',
  'out',
  'recipe',
  'data',
  'device',
  'threads',
  'memory',
  'strict',
  'mostSkipped',
  'saveEvery',
  'tensorboard',
]

/**
 * Flat: `train.rank` → 16. Sources stand by their fingerprints, wherever their files lie.
 * @param sources of the training, then of the dev part
 */
export function decidingSettings(
  { dev: { data: _, ...dev }, ...settings }: TuneSettings,
  sources: { train: readonly Deciding[]; dev: readonly Deciding[] },
): Record<string, unknown> {
  const flat: Record<string, unknown> = {}
  const put = (key: string, value: unknown) => {
    if (isLayer(value)) for (const [name, inner] of Object.entries(value)) put(`${key}.${name}`, inner)
    else flat[key] = value
  }
  for (const [key, value] of Object.entries({ ...settings, dev })) if (!OTHERS.includes(key)) put(key, value)
  for (const { name, fingerprint, weight } of sources.train) put(`data.${name}`, `${weight} × ${fingerprint}`)
  for (const { name, fingerprint } of sources.dev) put(`dev.data.${name}`, fingerprint)
  return flat
}

export interface Deciding {
  readonly name: string
  readonly fingerprint: string
  readonly weight?: number
}

/** Keys whose values differ, in words. @example ['train.rank: 16, now 8'] */
export function differences(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))
  return keys.flatMap((key) =>
    shown(before[key]) === shown(now[key]) ? [] : [`${key}: ${shown(before[key])}, now ${shown(now[key])}`],
  )
}
