/** @file Limits of a drift, for continuous integration. */

import type { Drift } from './drift.ts'
import type { DriftGate } from './words.ts'

export interface DriftLimits {
  /** Least cosine of any item. */
  minCosine?: number
  /** Least mean share of kept neighbours. */
  minKept?: number
}

/** One gate for each limit that is given. */
export function driftGates({ cosine, neighbours }: Drift, { minCosine, minKept }: DriftLimits): DriftGate[] {
  const gate = (flag: string, limit: number | undefined, value: number): DriftGate[] =>
    limit === undefined ? [] : [{ flag, limit, value, passed: value >= limit }]
  return [
    ...gate('--min-cosine', minCosine, cosine.least),
    // Fewer than three items have no neighbours to lose.
    ...gate('--min-kept', minKept, neighbours?.kept.value ?? 1),
  ]
}
