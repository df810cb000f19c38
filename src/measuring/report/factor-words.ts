/** @file The shipped factor table in words, beside the answer of one run. */

import type { Factors } from './factors.ts'

export const ONE_SEED = 'One run is one seed, and nobody should take one seed for a finding.'

/** @example '3 pretrainings of each kind of model, 3 tunings of each pretraining' */
export function seedsWords({ models }: Pick<Factors, 'models'>): string {
  const kinds = [...new Set(models.map(({ model }) => model))]
  const pretrainings = kinds.map((kind) => models.filter(({ model }) => model === kind).length)
  const tunings = models.map((model) => model.tunings.length)
  return (
    `${counted(pretrainings, 'pretraining')} of each kind of model, ` +
    `${counted(tunings, 'tuning')} of each pretraining`
  )
}

function counted(counts: readonly number[], what: string): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return `${least === most ? '' : `${least} to `}${most} ${what}${most === 1 ? '' : 's'}`
}

/** The answer of a study, a line each: over seeds where that is known, then of its own run. */
export function answerLines({
  factors,
  finding,
}: {
  readonly factors?: Factors
  readonly finding: { readonly sentence: string }
}): string[] {
  if (factors === undefined) return [finding.sentence]
  return [
    factors.sentence,
    finding.sentence,
    `${ONE_SEED} The first answer is over ${seedsWords(factors)}: ${factors.command}`,
  ]
}
