/**
 * @file Learning-rate schedules: a factor of the peak rate for each step, so that groups of unlike
 * rates share one.
 */

import { TrainingError } from './errors.ts'
import type { ScheduleSettings } from './settings.ts'

/** Step index (0 = first update) → factor of the peak learning rate, 0 … 1. */
export type Schedule = (step: number) => number

export interface ScheduleOptions {
  /** Updates in all; behind them the factor stays at `floor`. */
  steps: number
  /**
   * Updates of linear warm-up: the factor of step `i` is `i / warmup`, so the first update moves
   * nothing, as in Hugging Face's schedules.
   */
  warmup?: number
  /** Form of the decay after the warm-up; default `linear`. */
  decay?: 'constant' | 'linear' | 'cosine'
  /** Factor at the end of the decay; default 0. */
  floor?: number
}

/**
 * @throws TrainingError `training/schedule` when the warm-up is longer than the training or the
 *   floor is outside 0 … 1
 * @see transformers `get_linear_schedule_with_warmup`, `get_cosine_schedule_with_warmup`;
 *   specs/vlm2vec-mmeb.md §5.5
 */
export function schedule({ steps, warmup = 0, decay = 'linear', floor = 0 }: ScheduleOptions): Schedule {
  if (!(warmup >= 0 && warmup <= steps && floor >= 0 && floor <= 1)) {
    throw new TrainingError('schedule', {
      message: `a schedule of ${steps} steps can't have ${warmup} warm-up steps and a floor of ${floor}`,
      hint: 'Keep the warm-up within the steps, and the floor between 0 and 1.',
    })
  }
  const shape = SHAPES[decay]
  return (step) => {
    if (step < warmup) return step / warmup
    const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup))
    return floor + (1 - floor) * shape(progress)
  }
}

const SHAPES: { readonly [D in NonNullable<ScheduleOptions['decay']>]: (progress: number) => number } = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
}

/**
 * The schedule of the settings. A share of warm-up is rounded up to whole updates.
 * @throws TrainingError `training/schedule` when the warm-up is longer than the training
 */
export function scheduleOf({ kind, warmup, floor }: ScheduleSettings, updates: number): Schedule {
  return schedule({
    steps: updates,
    warmup: warmup < 1 ? Math.ceil(warmup * updates) : warmup,
    decay: kind,
    floor,
  })
}
