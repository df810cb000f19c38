/**
 * @file Gaps between kinds of models, and how much of a gap a change closes: captions instead of
 * pictures, a stage of alignment before everything else, a remedy of the vectors. The figure is a
 * difference of differences; its interval covers trainings and test rows.
 */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import { type HierarchicalInterval, hierarchicalInterval } from '../../../foundation/numeric/hierarchical.ts'
import { type Drawn, drawnIn, drawsOf, type Seeded } from './draws.ts'

/** A training with the change and without it: `[tasks][rows]` hit@1 each. */
export interface ChangedRun extends Seeded {
  readonly before: readonly ArrayLike<number>[]
  readonly after: readonly ArrayLike<number>[]
}

/** A kind of model under a change. */
export interface ChangedKind {
  readonly arm: string
  readonly runs: readonly ChangedRun[]
}

/** Figures of hit@1, shares of 1. */
export interface ChangedGap {
  /** The first − the second. */
  readonly between: readonly [string, string]
  readonly before: HierarchicalInterval
  /** The part of the gap that is left. */
  readonly after: HierarchicalInterval
  /** `before − after`, on the same trainings and rows. */
  readonly closed: HierarchicalInterval
  readonly drawn: Drawn
  /** Draws of each of the two. */
  readonly draws: readonly [number, number]
}

/** By how much a change moves the scores of one kind of model: after − before. */
export interface Gain {
  readonly arm: string
  readonly gain: HierarchicalInterval
  readonly drawn: Drawn
  readonly draws: number
}

/** Runs that are there with and without the change: the same pretraining, the same tuning. */
export function changedRuns<T extends Seeded & { readonly hits: ChangedRun['before'] }>(
  before: readonly T[],
  after: readonly T[],
): ChangedRun[] {
  return after.flatMap(({ pretraining, tuning, hits }) => {
    const same = before.find((run) => run.pretraining === pretraining && run.tuning === tuning)
    const seeds = tuning === undefined ? { pretraining } : { pretraining, tuning }
    return same === undefined ? [] : [{ ...seeds, before: same.hits, after: hits }]
  })
}

/**
 * The gap of the first kind to each other one. Kinds without runs are left out.
 * @param clusters `[tasks][rows]`
 */
export function changedGaps(
  kinds: readonly ChangedKind[],
  clusters: readonly (readonly string[])[],
  options: BootstrapOptions,
): ChangedGap[] {
  const [first, ...others] = kinds
  if (first === undefined || first.runs.length === 0) return []
  return others
    .filter(({ runs }) => runs.length > 0)
    .map((other) => {
      const drawn = drawnIn([first.runs, other.runs])
      const [a, b] = [drawsOf(first.runs, drawn), drawsOf(other.runs, drawn)]
      const gap = (before: number, after: number) =>
        hierarchicalInterval(
          [a.map((runs) => weighted(runs, before, after)), b.map((runs) => weighted(runs, -before, -after))],
          clusters,
          options,
        )
      return {
        between: [first.arm, other.arm],
        before: gap(1, 0),
        after: gap(0, 1),
        closed: gap(1, -1),
        drawn,
        draws: [a.length, b.length],
      }
    })
}

/** The gain of each kind by itself. @param clusters `[tasks][rows]` */
export function gainsOf(
  kinds: readonly ChangedKind[],
  clusters: readonly (readonly string[])[],
  options: BootstrapOptions,
): Gain[] {
  return kinds
    .filter(({ runs }) => runs.length > 0)
    .map(({ arm, runs }) => {
      const drawn = drawnIn([runs])
      const draws = drawsOf(runs, drawn)
      const gain = hierarchicalInterval([draws.map((own) => weighted(own, -1, 1))], clusters, options)
      return { arm, gain, drawn, draws: draws.length }
    })
}

/** `[tasks][rows]`: the mean over the runs of a draw of `before · w + after · v`. */
function weighted(runs: readonly ChangedRun[], before: number, after: number): Float64Array[] {
  return runs[0]!.before.map((rows, task) =>
    Float64Array.from(rows, (_, row) =>
      runs.reduce(
        (sum, run) => sum + (before * run.before[task]![row]! + after * run.after[task]![row]!) / runs.length,
        0,
      ),
    ),
  )
}
