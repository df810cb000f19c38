/** @file The subject of a verification of tuning: the fixture, its model and its items. */

import { join } from 'node:path'
import { z } from 'zod'
import type { Device } from '../../engine/runtime/devices.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import type { TunableModel } from '../../learning/tuning/tunable.ts'
import { type Checkpoint, openCheckpoint } from '../../models/checkpoint/folder.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { checkWeights } from '../../models/families/weights.ts'
import { VerifyError } from './errors.ts'
import { batchSettings, paddedIds } from './tuning-batch.ts'

const ids = paddedIds.shape.ids
export const tuningFixture = z.looseObject({
  kind: z.literal('tuning'),
  ...batchSettings.shape,
  temperature: z.number(),
  queries: z.array(z.object({ prompt: z.string(), images: z.array(z.string()) })),
  targets: z.array(z.string()),
  optimizer: z.object({
    name: z.literal('AdamW'),
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    weight_decay: z.number(),
    schedule: z.string(),
    lr_at_step: z.array(z.number()),
  }),
  losses: z.array(z.number()),
  without_gradient: z.array(z.string()),
  gradcache: z.object({ chunk: z.int().positive(), loss: z.number() }).optional(),
  tolerance: z.looseObject({
    vectors: z.number(),
    loss: z.number(),
    after: z.number(),
    replay: z.number().default(5e-7),
    final: z.number().optional(),
    merged: z.number().optional(),
  }),
  query_ids: ids,
  query_mask: ids,
  query_image_grid_thw: ids.optional(),
  target_ids: ids,
  target_mask: ids,
})
export type TuningFixture = z.infer<typeof tuningFixture>

/** Tolerance of a gradient: relative to the largest magnitude of its tensor, with a floor. */
const GRADIENT = { relative: 1e-4, absolute: 1e-6 }

/** Given to every stage of the verification. */
export interface TuningSubject {
  readonly dir: string
  readonly fixture: TuningFixture
  readonly expected: ReadonlyMap<string, Tensor>
  readonly model: TunableModel
  readonly queries: readonly KeyedItem[]
  readonly targets: readonly KeyedItem[]
  /** Positions of the longest item. */
  readonly longest: number
  readonly device: Device
  readonly recorder: VerifyRecorder
}

/**
 * Opens the checkpoint of a fixture and checks that it holds every weight of its model.
 * @throws VerifyError `verify/fixture` for a dual encoder
 */
export async function openSubjectOf(
  dir: string,
): Promise<{ checkpoint: Checkpoint; model: VisionLanguageModel }> {
  const checkpoint = await openCheckpoint(join(dir, 'checkpoint'))
  const model = modelOf(checkpoint.config)
  if (model.kind !== 'vision-language') {
    throw new VerifyError('fixture', {
      message: `${checkpoint.dir} is a dual encoder (${model.family}), which has no decoder to adapt`,
      hint: 'Fixtures of adapters are for vision-language models.',
    })
  }
  checkWeights(modelParameters(model, { head: false }), checkpoint, model.weightSpellings)
  return { checkpoint, model }
}

export function compareVector(
  { expected, recorder }: TuningSubject,
  stage: string,
  key: string,
  got: Tensor | undefined,
  tolerance: number,
): void {
  const wanted = expected.get(key)
  if (wanted !== undefined) recorder.compare({ case: key, stage, key }, got, wanted, tolerance)
}

/** @param got by the names of the adapter's file */
export function compareGradients(
  { expected, recorder }: TuningSubject,
  prefix: string,
  got: NamedArrays,
  stage = 'grad',
): void {
  for (const [key, tensor] of expected) {
    if (!key.startsWith(prefix)) continue
    const wanted = toF32(tensor)
    const magnitude = wanted.data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
    const tolerance = Math.max(GRADIENT.absolute, GRADIENT.relative * magnitude)
    recorder.compare(
      { case: prefix.split('/')[0]!, stage, key },
      got[key.slice(prefix.length)],
      wanted,
      tolerance,
    )
  }
}
