/** @file Chooses a setting of a remedy on pairs that were held out. */

import { shapeOf } from '../../../foundation/numeric/linear.ts'
import { reciprocalRank } from '../../../foundation/numeric/ranking.ts'
import { type Pairs, selected } from '../pairs.ts'
import { poolOf, rankingAt } from '../pool.ts'
import type { FitOptions, FittedRemedy } from './remedy.ts'

/** Fewer pairs choose nothing. */
const FEWEST = 4

/**
 * Fits each setting to the pairs that are not held out, keeps the one under which the held-out
 * partners rank best (mean reciprocal rank of both directions), and fits it to all. Of equally good
 * ones the first. Where there are too few of either, it takes the setting in the middle.
 */
export async function chosenFit<Setting>(
  pairs: Pairs,
  settings: readonly Setting[],
  { heldOut, products }: FitOptions,
  make: (pairs: Pairs, setting: Setting) => Promise<FittedRemedy>,
): Promise<FittedRemedy> {
  const rows = Array.from({ length: shapeOf(pairs.images).rows }, (_, i) => i)
  const judges = selected(
    pairs,
    rows.filter((row) => heldOut.has(row)),
  )
  const own = selected(
    pairs,
    rows.filter((row) => !heldOut.has(row)),
  )
  if (Math.min(shapeOf(judges.images).rows, shapeOf(own.images).rows) < FEWEST) {
    const fitted = await make(pairs, settings[settings.length >> 1]!)
    return { ...fitted, setting: `${fitted.setting}, not chosen: too few pairs` }
  }
  let best: { setting: Setting; score: number } | undefined
  for (const setting of settings) {
    const pool = await poolOf(await (await make(own, setting)).apply(judges), products, 1)
    let score = 0
    for (let row = 0; row < pool.count; row++)
      score +=
        reciprocalRank(rankingAt(pool.images.other, row)) + reciprocalRank(rankingAt(pool.texts.other, row))
    if (best === undefined || score > best.score) best = { setting, score }
  }
  return await make(pairs, best!.setting)
}
