/** @file The one colour that each model keeps on the whole page. */

import { isSubject } from '../lookup.ts'
import type { Results, ResultsModel } from '../results.ts'

/**
 * A CSS colour. AR is blue and diffusion orange everywhere (Okabe and Ito's colour-blind-safe
 * pair); further models of the same objective get a deeper shade; controls are grey.
 */
export function colourOf({ models }: Pick<Results, 'models'>, model: ResultsModel): string {
  if (model.role === 'dual-encoder') return 'var(--contrastive)'
  if (!isSubject(model)) return 'var(--control)'
  const base = {
    autoregressive: 'var(--ar)',
    diffusion: 'var(--diffusion)',
    contrastive: 'var(--contrastive)',
    none: 'var(--other)',
  }
  const peers = [
    ...new Set(
      models.filter((one) => isSubject(one) && one.objective === model.objective).map((one) => one.label),
    ),
  ]
  const shade = 28 * peers.indexOf(model.label)
  return shade === 0
    ? base[model.objective]
    : `color-mix(in oklab, ${base[model.objective]}, var(--ink) ${Math.min(shade, 70)}%)`
}
