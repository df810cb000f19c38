/** @file The kinds of baselines: what a score has to beat. */

import type { Task } from '../../../inputs/data/task.ts'
import type { VectorMaker } from '../../../models/embedder/vectors/maker.ts'

interface Named {
  /** On the command line and in files. */
  readonly name: string
  /** For tables: `raw pixels`. */
  readonly label: string
}

/** Makes vectors without a model. */
export interface PlainBaseline extends Named {
  readonly kind: 'plain'
  readonly maker: VectorMaker
  /** Whether it can embed every item of the task. */
  applies(task: Task): boolean
}

/** The model itself, shown a part of each query. */
export interface SeenBaseline extends Named {
  readonly kind: 'seen'
  /**
   * The task as it is shown: the same rows in the same order. Undefined where nothing would be
   * missing, or nothing left.
   */
  seen(task: Task, seed: number): Task | undefined
}

/** A score that follows from the task alone. */
export interface NumberBaseline extends Named {
  readonly kind: 'number'
  /** hit@1; null where the notion has no meaning. */
  of(task: Task): number | null
}

export type Baseline = PlainBaseline | SeenBaseline | NumberBaseline
