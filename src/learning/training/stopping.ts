/** @file Early stopping: which evaluation is the best, and when no better one is waited for. */

/** One evaluation of a model. */
export interface Evaluation {
  /** Updates done. */
  step: number
  /** The figure that decides. */
  value: number
}

export interface StoppingRule {
  better: 'lower' | 'higher'
  /** Evaluations in a row without a better one after which the training stops; absent: never. */
  patience?: number
  /** By how much an evaluation has to be better than the best before; default 0. */
  minDelta?: number
}

export interface Verdict {
  /** The last evaluation that was better than the best before it. */
  best?: Evaluation
  /** The evaluation after which the training stops. */
  stopped?: Evaluation
}

/**
 * Judges evaluations in the order of their steps. An evaluation counts as better if it is beyond
 * the best before it by more than `minDelta`; the first one always is. A figure that is not a
 * number is never better.
 */
export function judge(
  evaluations: readonly Evaluation[],
  { better, patience = Number.POSITIVE_INFINITY, minDelta = 0 }: StoppingRule,
): Verdict {
  const sign = better === 'lower' ? 1 : -1
  let best: Evaluation | undefined
  let waited = 0
  for (const evaluation of evaluations) {
    const isBetter =
      best === undefined
        ? !Number.isNaN(evaluation.value)
        : sign * evaluation.value < sign * best.value - minDelta
    if (isBetter) [best, waited] = [evaluation, 0]
    else if (++waited >= patience) return { best, stopped: evaluation }
  }
  return { best }
}
