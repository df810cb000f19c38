/**
 * @file The type of a contrastive loss: from the vectors of a batch to a scalar, as graph nodes.
 * Each loss has a file beside this one, `make.ts` chooses one by its settings.
 */

import type { Graph, Value } from '../../../engine/graph/graph.ts'
import type { Limit } from '../../training/optimizer.ts'

export type F32 = Value<'f32'>
export type I64 = Value<'i64'>
export type Bool = Value<'bool'>

/** Scalars by name. */
export type Scalars = Readonly<Record<string, number>>

/**
 * The vectors of one batch, all in one graph. Sizes may be symbolic, and there may be 0 negatives.
 * Groups are numbers that are equal for equal items; −1 equals nothing, and so does an absent one.
 */
export interface BatchVectors extends GraphScalars {
  /** `[pairs, dim]` unit rows. */
  readonly queries: F32
  /** `[pairs, dim]` unit rows: row `i` is the target of query `i`. */
  readonly targets: F32
  /** `[negatives, dim]` unit rows: hard negatives of all pairs. */
  readonly negatives?: F32
  /** `[pairs]` */
  readonly queryGroups?: I64
  /** `[pairs]`; numbers are shared with `negativeGroups`. */
  readonly targetGroups?: I64
  /** `[negatives]` */
  readonly negativeGroups?: I64
  /** `[negatives]`: the pair that it belongs to. */
  readonly negativeOwner?: I64
  /** Must be there when the loss says `needsTeacher`. */
  readonly teacher?: TeacherScores
}

/** The graph of a loss and its scalars. The same name gives the same value. */
export interface GraphScalars {
  readonly graph: Graph
  /** A scalar that the trainer feeds anew at each update. */
  stepInput(name: string): F32
  /** A trained scalar. */
  parameter(name: string): F32
}

/** Step inputs as inputs `[]`, trained scalars as fed parameters `[]`, each by its own name. */
export function graphScalars(graph: Graph): GraphScalars {
  return {
    graph,
    stepInput: (name) => graph.input(name, 'f32', []),
    parameter: (name) => graph.parameter(name, 'f32', [], 'fed'),
  }
}

/** How well a teacher finds that candidates answer their own query; any scale. */
export interface TeacherScores {
  /** `[pairs]`; +∞ where the pair has no scores. */
  readonly targets: F32
  /** `[negatives]`; any number where the pair has no scores. */
  readonly negatives: F32
}

export interface ContrastiveLoss {
  readonly name: string
  /** Initial values of the trained scalars, e.g. `{ log_scale: Math.log(1 / 0.07) }`. */
  readonly parameters: Scalars
  /** Bounds that trained scalars are brought back into after each update. */
  readonly limits: Readonly<Record<string, Limit>>
  /** Whether `build` wants `teacher`. */
  readonly needsTeacher: boolean
  /**
   * Values of the step inputs.
   * @param update  index of the update, 0 = first
   * @param updates of the whole training
   */
  stepInputs(update: number, updates: number): Scalars
  /**
   * The temperature, for the log.
   * @param scalars values of the step inputs and of the trained scalars
   */
  temperature(scalars: Scalars): number
  /** @throws TuningError `tuning/loss` when shapes don't fit */
  build(vectors: BatchVectors): BuiltLoss
}

export interface BuiltLoss {
  /** Scalar, in nats. */
  loss: F32
  metrics: {
    /** Share of queries whose own target scores above every other candidate. */
    accuracy: F32
    /** Mean number of a query's candidates, its own target and all that the masks leave. */
    candidates: F32
  }
}
