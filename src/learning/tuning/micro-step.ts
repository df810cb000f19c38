/** @file A micro-batch that is ready to run, and what its run gives. */

import type { BifocalError } from '../../foundation/numeric/errors.ts'
import type { NamedArrays } from '../training/arrays.ts'
import type { StepResult } from '../training/gradient.ts'
import type { BatchPair } from './micro-batch.ts'

/** An item whose pictures or text the model can't take. */
export interface BadItem {
  readonly key: string
  readonly error: BifocalError
}

export interface MicroStep extends StepResult {
  /** The pairs that took part. */
  readonly pairs: readonly BatchPair[]
  /** How many chunks it took; 1 = one graph. */
  readonly chunks: number
  /**
   * By chunks: the row of each item, by its key, in the vectors that the loss saw, and the
   * gradients of those by readout, `[items, dim]`.
   */
  readonly cached?: { readonly rowOf: ReadonlyMap<string, number>; readonly cache: NamedArrays }
}

/** The place of a micro-batch in the training. */
export interface Turn {
  readonly update: number
  /** Within its update. */
  readonly micro: number
}

/** A micro-batch whose first chunk is ready to run. */
export interface PlannedStep {
  /** Whether that chunk is all of it. */
  readonly whole: boolean
  /** @throws RuntimeError, InterruptedError; what `leaveOut` throws */
  run(signal?: AbortSignal): Promise<MicroStep>
}

/** The pairs without those of items that can't be used. It throws where too many are lost. */
export type LeaveOut = (bad: readonly BadItem[], pairs: readonly BatchPair[]) => readonly BatchPair[]
