/**
 * @file Warm-up, plateau, cool-down: the length of a training needn't be known before the cool-down
 * starts.
 */

import type { Schedule } from '../training/schedule.ts'

/**
 * Factor of the peak learning rate: linear from 0 over `warmup` updates, 1, linear to 0 over the
 * last `cooldown` of `steps`. A run that stopped on the plateau can be given more steps and goes on
 * as if it had had them from the start.
 * @see Hägele et al. 2024 (scaling laws and constant learning rates with cool-down)
 */
export function trapezoid({
  steps,
  warmup,
  cooldown,
}: {
  steps: number
  warmup: number
  cooldown: number
}): Schedule {
  return (step) => Math.min(1, step / Math.max(warmup, 1), Math.max(steps - step, 0) / Math.max(cooldown, 1))
}
