/** @file The table of baselines. A new one is a file and a row here. */

import { UsageError } from '../../../foundation/numeric/errors.ts'
import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import type { Baseline } from './baseline.ts'
import { chance } from './chance.ts'
import { colours } from './colours.ts'
import { imageOnly } from './image-only.ts'
import { majority } from './majority.ts'
import { rawPixels } from './raw-pixels.ts'
import { shuffledPictures } from './shuffled-pictures.ts'
import { textOnly } from './text-only.ts'

/**
 * All baselines, in the order of reports. A dual encoder is one too, but a model of its own: it is
 * named like any other.
 */
export const BASELINES: readonly Baseline[] = [
  chance,
  majority,
  rawPixels,
  colours,
  textOnly,
  imageOnly,
  shuffledPictures,
]

/** The baselines of these names. @throws UsageError `usage/option` */
export function baselinesNamed(names: readonly string[]): Baseline[] {
  return names.map((name) => {
    const found = BASELINES.find((one) => one.name === name)
    if (found !== undefined) return found
    const all = BASELINES.map((one) => one.name)
    const meant = suggestion(name, all)
    throw new UsageError('option', {
      message: `no baseline is called ${name}`,
      hint: meant === undefined ? `The baselines are ${all.join(', ')}.` : `Did you mean "${meant}"?`,
    })
  })
}
