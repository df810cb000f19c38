/**
 * @file The name of a training run: snapshots of another recipe are refused, whatever part of it
 * differs.
 */

import { createHash } from 'node:crypto'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { hashArrays } from '../training/arrays.ts'
import type { Identity } from '../training/identity.ts'

/** Steps whose batches stand for all: texts, shares, pictures and masks show in them. */
const PROBES = 24

/**
 * @param settings rates, schedule, sizes: what no batch shows
 * @param feeds    batch of a step
 * @returns name, settings and a hash over batches spread from the first to the last step
 */
export async function identityOf(
  name: string,
  settings: Readonly<Record<string, unknown>> & { readonly steps: number },
  feeds: (step: number) => Readonly<Record<string, Tensor>> | Promise<Readonly<Record<string, Tensor>>>,
): Promise<Identity> {
  const hash = createHash('sha256')
  for (let probe = 0; probe < PROBES; probe++)
    hash.update(hashArrays(await feeds(Math.round((probe * (settings.steps - 1)) / (PROBES - 1)))))
  return { name, settings, batches: hash.digest('hex') }
}
