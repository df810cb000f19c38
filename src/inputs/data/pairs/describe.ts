/** @file Pairs in figures, for a plan: how many, of which kind, and what looks wrong with them. */

import type { LeftOut, PairSource } from './source.ts'

/** A source in figures. */
export interface PairsDescription {
  readonly name: string
  readonly rows: number
  /** Rows with a picture in the query, in the target. */
  readonly pictures: { readonly queries: number; readonly targets: number }
  readonly negatives: {
    /** Rows that have any. */
    readonly rows: number
    readonly total: number
  }
  /** Targets that differ. */
  readonly targets: number
  /** Share of the rows that have the commonest target, from 0 to 1. */
  readonly commonest: number
  readonly left: LeftOut
}

/** Something about the data that a tuning should not begin with unseen. */
export interface PairsWarning {
  readonly code: 'one-target' | 'common-target' | 'left-out' | 'few-negatives'
  readonly message: string
  readonly hint: string
}

/** Counts what rows say; reads no picture. */
export function describePairs(source: PairSource): PairsDescription {
  const targets = new Float64Array(source.rows)
  const pictures = { queries: 0, targets: 0 }
  const negatives = { rows: 0, total: 0 }
  for (let row = 0; row < source.rows; row++) {
    const facts = source.facts(row)
    targets[row] = facts.target
    if (facts.pictures.query > 0) pictures.queries += 1
    if (facts.pictures.target > 0) pictures.targets += 1
    if (facts.negatives > 0) negatives.rows += 1
    negatives.total += facts.negatives
  }
  const { name, rows, left } = source
  return { name, rows, pictures, negatives, left, ...repeats(targets.sort()) }
}

/** @param sorted equal numbers stand side by side */
function repeats(sorted: Float64Array): { targets: number; commonest: number } {
  let [targets, run, longest] = [0, 0, 0]
  sorted.forEach((target, i) => {
    run = i > 0 && target === sorted[i - 1] ? run + 1 : 1
    if (run === 1) targets += 1
    longest = Math.max(longest, run)
  })
  return { targets, commonest: sorted.length === 0 ? 0 : longest / sorted.length }
}

/** More than this share of rows with one target is worth a warning. */
const COMMON = 0.5
/** And so is more than this share of rows that were left out. */
const MANY_LEFT = 0.01

/** Warnings about a source, the worst first. */
export function pairWarnings(description: PairsDescription): PairsWarning[] {
  const { name, rows, targets, commonest, left, negatives } = description
  const percent = (share: number) => `${Math.round(share * 1000) / 10} %`
  const warnings: PairsWarning[] = []
  if (rows > 1 && targets === 1)
    warnings.push({
      code: 'one-target',
      message: `${name}: all ${rows} rows have the same target`,
      hint: 'Nothing can be learnt from one target: is the right column named as the target?',
    })
  else if (rows > 1 && commonest > COMMON)
    warnings.push({
      code: 'common-target',
      message: `${name}: ${percent(commonest)} of the rows have the same target`,
      hint: 'Rows of one target are no negatives of each other: larger batches, or fewer such rows, teach more.',
    })
  if (left.rows > (rows + left.rows) * MANY_LEFT)
    warnings.push({
      code: 'left-out',
      message: `${name}: ${left.rows} of ${rows + left.rows} rows are left out: ${left.reasons[0]}`,
      hint: 'Mend these rows, or give --strict to stop at the first.',
    })
  if (negatives.rows > 0 && negatives.rows < rows)
    warnings.push({
      code: 'few-negatives',
      message: `${name}: ${negatives.rows} of ${rows} rows have hard negatives`,
      hint: 'The other rows learn from the targets of their batch alone; this is fine where it is meant.',
    })
  return warnings
}
