/** @file The temperature of a loss: fixed, falling with the updates, or learned. */

import { z } from 'zod'
import { div, exp, mul } from '../../../engine/graph/elementwise.ts'
import type { BatchVectors, ContrastiveLoss, F32, Scalars } from './loss.ts'

const positive = z.number().positive()

/** Falls geometrically from `start` to `end` over the first `share` of the updates, then stays. */
const falling = z.strictObject({
  start: positive,
  end: positive,
  share: z.number().positive().max(1).default(1),
})

/**
 * Starts at `learned`. The trained scalar is `log_scale`, minus its logarithm; cosines are
 * multiplied by `exp(log_scale)`. `least` keeps the temperature from falling below it (CLIP: 0.01).
 */
const learned = z.strictObject({ learned: positive, least: positive.optional() })

export const temperatureSettings = z.union([positive, falling, learned], {
  error: 'expected a temperature above 0, { start, end, share } or { learned, least }',
})

export type TemperatureSettings = z.output<typeof temperatureSettings>

export interface Temperature
  extends Pick<ContrastiveLoss, 'parameters' | 'limits' | 'stepInputs' | 'temperature'> {
  /** Cosines over the temperature. */
  logits(cosines: F32, from: Pick<BatchVectors, 'stepInput' | 'parameter'>): F32
}

/** Minus the logarithm of the temperature: a trained scalar, or a step input. */
const LOG_SCALE = 'log_scale'

export function temperatureOf(settings: TemperatureSettings): Temperature {
  if (typeof settings === 'number') {
    return {
      parameters: {},
      limits: {},
      stepInputs: () => ({}),
      temperature: () => settings,
      logits: (cosines) => div(cosines, settings),
    }
  }
  const temperature = (scalars: Scalars) => Math.exp(-(scalars[LOG_SCALE] ?? Number.NaN))
  if ('learned' in settings) {
    const { learned: start, least } = settings
    return {
      parameters: { [LOG_SCALE]: -Math.log(start) },
      limits: least === undefined ? {} : { [LOG_SCALE]: { most: -Math.log(least) } },
      stepInputs: () => ({}),
      temperature,
      logits: (cosines, from) => mul(cosines, exp(from.parameter(LOG_SCALE))),
    }
  }
  const { start, end, share } = settings
  return {
    parameters: {},
    limits: {},
    stepInputs: (update, updates) => ({
      [LOG_SCALE]: -Math.log(start * (end / start) ** Math.min(1, update / (share * updates))),
    }),
    temperature,
    logits: (cosines, from) => mul(cosines, exp(from.stepInput(LOG_SCALE))),
  }
}
