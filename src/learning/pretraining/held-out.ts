/**
 * @file Losses on what training never shows, with each sample's own picture and with another's:
 * what the picture is worth.
 */

import { f32Of } from '../../engine/runtime/results.ts'
import type { Session } from '../../engine/runtime/session.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { SampleKind } from '../../inputs/scenes/sample.ts'
import type { Objective } from './objective.ts'
import type { Sight } from './sight.ts'
import type { TowerWorld } from './tower-batch.ts'
import { twinBatch } from './twin-batch.ts'
import { samplesOf, withShuffledPictures } from './twin-samples.ts'

export interface HeldOutOptions {
  seed: number
  objective: Objective
  sight: Sight
  /** Samples of each kind, in batches of at most `BATCH`. */
  samples: number
  kinds?: readonly SampleKind[]
  signal?: AbortSignal
}

const BATCH = 128

/**
 * Loss per answer token on combinations that training never shows, in nats: `<kind>_real`,
 * `<kind>_shuffled`.
 * @param session of `twinLoss`, output `loss`
 * @param fed     the trained parameters
 * @throws InterruptedError
 */
export async function heldOutLosses(
  session: Session,
  fed: Readonly<Record<string, Tensor>>,
  at: TowerWorld,
  { seed, objective, sight, samples, kinds = ['caption', 'qa', 'label'], signal }: HeldOutOptions,
): Promise<Record<string, number>> {
  const losses: Record<string, number> = {}
  for (const kind of kinds) {
    const sums = { real: 0, shuffled: 0 }
    let tokens = 0
    for (let from = 0; from < samples; from += BATCH) {
      const real = samplesOf(at.world, {
        kind,
        seed,
        from,
        count: Math.min(BATCH, samples - from),
        use: 'test',
      })
      for (const [pictures, drawn] of [
        ['real', real] as const,
        ['shuffled', withShuffledPictures(real)] as const,
      ]) {
        const seen = await sight.see(drawn, at, signal)
        const batch = twinBatch(at, seen, { objective, seed, step: -1 - from / BATCH, learning: false })
        const results = await session.run({ ...batch, ...fed }, { outputs: ['loss'], signal })
        const scored = batch.scored_targets!.data.length
        sums[pictures] += f32Of(results, 'loss').data[0]! * scored
        if (pictures === 'real') tokens += scored
      }
    }
    losses[`${kind}_real`] = sums.real / tokens
    losses[`${kind}_shuffled`] = sums.shuffled / tokens
  }
  return losses
}
