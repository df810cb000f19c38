/** @file The data of a page of runs. It is JSON; the page holds it. */

import type { Explorer } from '../explorer.ts'
import type { Aligned, Measured, Results } from '../results.ts'

/** One side of the headline: a model, or a bar that no model sets. */
interface HeadlineSide {
  readonly label: string
  /** Id of the model; null for a blind guess. */
  readonly model: string | null
}

/** Queries of a task that two models tell apart. A tie counts as found by neither. */
export interface FlipCounts {
  readonly task: string
  readonly queries: number
  readonly both: number
  readonly onlyA: number
  readonly onlyB: number
  readonly neither: number
  /** McNemar's exact test, and adjusted for the number of tasks (Holm 1979). */
  readonly p: number
  readonly adjusted: number
  /** The difference that so many queries would show in four of five cases; null: not known. */
  readonly detectable: number | null
}

/** `measures` and `alignment` are empty where no analysis lies beside the runs. */
export interface RunPage extends Measured, Aligned {
  readonly title: string
  readonly byline: string
  readonly command: string
  readonly verdict: Results['finding'] & { readonly a: HeadlineSide; readonly b: HeadlineSide }
  /** Of the first two models of the explorer. */
  readonly flips: readonly FlipCounts[]
  readonly explorer: Explorer
  /** A line or more for the foot: machine, time, versions. */
  readonly made: readonly string[]
}
