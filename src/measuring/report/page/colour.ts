/** @file The one colour that each model keeps on the whole page. */

import { isSubject } from '../lookup.ts'
import type { Results, ResultsModel } from '../results.ts'

/** Models of which nobody says how they were trained: none is blue or orange. */
const OTHERS = ['var(--other)', 'var(--other-2)', 'var(--other-3)', 'var(--other-4)'] as const

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
  if (model.objective === 'none') return OTHERS[peers.indexOf(model.label) % OTHERS.length] ?? OTHERS[0]
  const shade = 28 * peers.indexOf(model.label)
  return shade === 0
    ? base[model.objective]
    : `color-mix(in oklab, ${base[model.objective]}, var(--ink) ${Math.min(shade, 70)}%)`
}
