/**
 * @file The sigmoid loss: every query with every candidate is a decision of its own.
 * @see Zhai et al. 2023 (SigLIP)
 */

import { add, mul, softplus, where } from '../../../engine/graph/elementwise.ts'
import { reduceMean, reduceSum } from '../../../engine/graph/reduction.ts'
import { metricsOf, withoutBarred } from './accuracy.ts'
import { isOwn, queriesToTargets } from './candidates.ts'
import type { ContrastiveLoss } from './loss.ts'
import type { LossSettings } from './settings.ts'
import { temperatureOf } from './temperature.ts'

/** SigLIP starts with logits of 10 · cosine − 10. */
const TEMPERATURE = { learned: 0.1 }
const BIAS = -10

/**
 * `−Σ log σ(±(cosine · exp(log_scale) + bias)) / pairs` over all queries and candidates, + for a
 * query with its own target. Masked candidates count neither way.
 */
export function sigmoid(settings: LossSettings): ContrastiveLoss {
  const { logits: scaled, ...temperature } = temperatureOf(settings.temperature ?? TEMPERATURE)
  return {
    name: 'sigmoid',
    ...temperature,
    parameters: { ...temperature.parameters, bias: settings.bias ?? BIAS },
    needsTeacher: settings.margin !== null && settings.margin.teacher !== null,
    build(vectors) {
      const { cosines, barred } = queriesToTargets(vectors, settings)
      const logits = add(scaled(cosines, vectors), vectors.parameter('bias'))
      const each = softplus(mul(logits, where(isOwn(logits), -1, 1)))
      const counted = barred.reduce((rest, bar) => where(bar, 0, rest), each)
      return { loss: reduceMean(reduceSum(counted, [1])), metrics: metricsOf(withoutBarred(logits, barred)) }
    },
  }
}
