/**
 * @file A vision-language checkpoint about to be converted: its parts, and where each weight of its
 * decoder comes from.
 */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { AttentionPattern } from '../../engine/nn/attention.ts'
import type { WeightSource } from '../../engine/runtime/weights.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { hashCheckpoint } from '../../models/checkpoint/folder.ts'
import type { Processor } from '../../models/families/family.ts'
import { initialWeights } from '../../models/families/initial.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { openModel } from '../../models/families/open.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { checkpointWeights, type ParameterSlot } from '../../models/families/weights.ts'
import { decoderParameters } from './decoder.ts'
import { TuningError } from './errors.ts'

export interface Subject {
  readonly id: string
  readonly dir: string
  readonly model: VisionLanguageModel
  readonly processor: Processor
  readonly attention: AttentionPattern
  readonly weights: WeightSource
  storedDtype(name: string): 'f32' | 'f16' | 'bf16'
  /** Content hash of all weights, seed of random ones and the mask, hexadecimal. */
  readonly hash: string
  /** Numbers in the whole model, head excepted. */
  readonly parameters: number
  /** Parameters of the decoder, its head excepted. */
  readonly decoder: readonly ParameterSlot[]
  /** A weight as f32. */
  read(name: string): Promise<Tensor<'f32'>>
}

export interface SubjectOptions {
  id: string
  /** Folder of the checkpoint. */
  dir: string
  /** Default: the family's own. */
  attention?: AttentionPattern
  /**
   * Replaces the decoder's weights by random ones: the control that tells what its pretraining is
   * worth. Tower and projector stay.
   */
  randomDecoder?: { seed: number }
}

/**
 * @throws TuningError `tuning/subject` for a dual encoder; CheckpointError, FamilyError for what
 *   the folder holds
 */
export async function openSubject({ id, dir, attention, randomDecoder }: SubjectOptions): Promise<Subject> {
  const checkpoint = await openModel(dir)
  const model = modelOf(checkpoint.config, join(checkpoint.dir, 'config.json'))
  if (model.kind !== 'vision-language') {
    throw new TuningError('subject', {
      message: `${dir} is a dual encoder (${model.family}), which has no decoder to convert`,
      hint: 'Give a vision-language model; a dual encoder embeds as it is.',
    })
  }
  const stored = checkpointWeights(checkpoint, model.weightSpellings)
  const decoder = decoderParameters(model)
  const random =
    randomDecoder && initialWeights(decoder, { seed: randomDecoder.seed, layers: model.shape.layers })
  const pattern = attention ?? model.shape.nativeAttention
  const hash = createHash('sha256')
    .update(await hashCheckpoint(checkpoint))
    .update(`\n${pattern}`)
  if (randomDecoder !== undefined) hash.update(`\nrandom decoder ${randomDecoder.seed}`)
  const memory = (name: string) => random?.[name]
  return {
    id,
    dir,
    model,
    processor: await model.processor(dir),
    attention: pattern,
    weights: {
      locate(name) {
        const tensor = memory(name)
        return tensor === undefined ? stored.locate(name) : { kind: 'memory', tensor }
      },
    },
    storedDtype: (name) => (memory(name) === undefined ? stored.storedDtype(name) : 'f32'),
    hash: hash.digest('hex'),
    parameters: modelParameters(model, { head: false }).reduce((sum, { dims }) => sum + sizeOf(dims), 0),
    decoder,
    read: async (name) => memory(name) ?? toF32(await checkpoint.read(stored.find(name)?.name ?? name)),
  }
}
