/**
 * @file InfoNCE: softmax cross-entropy of each query's own target among all its candidates.
 * @see van den Oord et al. 2018; specs/vlm2vec-mmeb.md §5.1
 */

import { add, mul } from '../../../engine/graph/elementwise.ts'
import { iota } from '../../../engine/graph/indexing.ts'
import { reduceMean, tokenCrossEntropy } from '../../../engine/graph/reduction.ts'
import { concat } from '../../../engine/graph/shaping.ts'
import { metricsOf, withoutBarred } from './accuracy.ts'
import { queriesToTargets, type Scored, targetsToQueries, targetsToTargets } from './candidates.ts'
import type { ContrastiveLoss, F32 } from './loss.ts'
import type { LossSettings } from './settings.ts'
import { temperatureOf } from './temperature.ts'

const TEMPERATURE = 0.02

/**
 * The mean over queries of `−log softmax(logits)[own target]`. Candidates are all targets and hard
 * negatives, with `queryQuery` the other queries, and with `targetTarget` the other targets as seen
 * from the own one. So with both terms, the denominator is that of GISTEmbed.
 *
 * `symmetric` takes half of that plus half of the same from targets to queries. There hard
 * negatives take no part, and `targetTarget` belongs to that half.
 * @see Li et al. 2023 (GTE); Solatorio 2024 (GISTEmbed)
 */
export function infoNce(settings: LossSettings): ContrastiveLoss {
  const { symmetric, queryQuery, targetTarget } = settings
  const { logits: scaled, ...temperature } = temperatureOf(settings.temperature ?? TEMPERATURE)
  return {
    name: 'infonce',
    ...temperature,
    needsTeacher: settings.margin !== null && settings.margin.teacher !== null,
    build(vectors) {
      const logitsOf = ({ cosines, barred }: Scored) => withoutBarred(scaled(cosines, vectors), barred)
      const asked = logitsOf(queriesToTargets(vectors, settings, queryQuery))
      if (symmetric) {
        const answered = logitsOf(targetsToQueries(vectors, settings, targetTarget))
        const loss = mul(add(ownLoss(asked), ownLoss(answered)), 0.5)
        return { loss, metrics: metricsOf(asked) }
      }
      const all = targetTarget ? concat([asked, logitsOf(targetsToTargets(vectors, settings))], 1) : asked
      return { loss: ownLoss(all), metrics: metricsOf(all) }
    },
  }
}

/** Mean cross-entropy of rows whose answer is the candidate at their own index. */
function ownLoss(logits: F32): F32 {
  return reduceMean(tokenCrossEntropy(logits, iota(logits.graph, logits.dims[0]!)))
}
