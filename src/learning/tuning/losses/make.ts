/** @file From the settings of a loss to the loss. */

import { type Dim, formatDims } from '../../../engine/graph/dims.ts'
import type { Value } from '../../../engine/graph/graph.ts'
import { TuningError } from '../errors.ts'
import { infoNce } from './infonce.ts'
import type { BatchVectors, ContrastiveLoss } from './loss.ts'
import { matryoshka } from './matryoshka.ts'
import type { LossSettings } from './settings.ts'
import { sigmoid } from './sigmoid.ts'

/** A new loss is a file beside this one, and a line here. */
const LOSSES: { readonly [Name in LossSettings['name']]: (settings: LossSettings) => ContrastiveLoss } = {
  infonce: infoNce,
  sigmoid,
}

/**
 * @example
 * const { loss, metrics } = makeLoss(lossSettings.parse({ symmetric: true })).build(vectors)
 */
export function makeLoss(settings: LossSettings): ContrastiveLoss {
  const loss = LOSSES[settings.name](settings)
  const whole = settings.matryoshka === null ? loss : matryoshka(settings.matryoshka, loss)
  return {
    ...whole,
    build(vectors) {
      requireShapes(vectors)
      return whole.build(vectors)
    },
  }
}

function requireShapes(vectors: BatchVectors): void {
  const [pairs, dim] = vectors.queries.dims
  const hard = vectors.negatives?.dims[0]
  requireDims('targets', vectors.targets, [pairs, dim])
  requireDims('negatives', vectors.negatives, [hard, dim])
  requireDims('queryGroups', vectors.queryGroups, [pairs])
  requireDims('targetGroups', vectors.targetGroups, [pairs])
  requireDims('negativeGroups', vectors.negativeGroups, [hard])
  requireDims('negativeOwner', vectors.negativeOwner, [hard])
}

function requireDims(name: string, value: Value | undefined, dims: readonly (Dim | undefined)[]): void {
  if (value === undefined || value.dims.join() === dims.join()) return
  throw new TuningError('loss', {
    message: `${name} of a loss have shape ${formatDims(value.dims)}, expected [${dims}]`,
    hint: 'Give each query a target, all vectors the same length, and each row its group.',
  })
}
