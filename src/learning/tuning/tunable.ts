/**
 * @file A model about to be tuned: the parts of an opened model that a tuning needs, and the
 * readouts that it trains.
 */

import type { Adapter } from '../../models/checkpoint/adapter.ts'
import type { Checkpoint } from '../../models/checkpoint/folder.ts'
import type { Contract } from '../../models/embedder/contract.ts'
import type { Readout } from '../../models/embedder/readout.ts'
import type { Subject } from '../../models/embedder/subject.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { type ModelWeights, storedWeights } from '../../models/families/model-weights.ts'
import { TuningError } from './errors.ts'

/** A vision-language model in the state from which a tuning starts. */
export interface TunableModel {
  /** The folder of the checkpoint, for messages. */
  readonly dir: string
  readonly model: VisionLanguageModel
  readonly checkpoint: Checkpoint
  readonly contract: Contract
  /** Without the adapter. */
  readonly weights: ModelWeights
  /** The adapter that the model comes with, to be trained further. */
  readonly adapter?: Adapter
}

/**
 * @param options.continues whether the adapter that the model comes with is trained further;
 *   default false: such a model is refused
 * @throws TuningError `tuning/subject` for a dual encoder, `tuning/adapted` for a model with an
 *   adapter
 */
export function tunableModel(
  { dir: own, model, encoder, adapter }: Subject,
  { continues = false }: { continues?: boolean } = {},
): TunableModel {
  const { checkpoint, contract, weights } = encoder
  const { dir } = checkpoint
  if (model.kind !== 'vision-language') {
    throw new TuningError('subject', {
      message: `${dir} is a dual encoder (${model.family}), which has no decoder to tune`,
      hint: 'Give a vision-language model; a dual encoder embeds as it is.',
    })
  }
  if (adapter !== undefined && !continues) {
    throw new TuningError('adapted', {
      message: `${own} comes with an adapter; a fresh one cannot be trained on top of it`,
      hint: 'Go on training that adapter (`train.continue: true` in the settings), merge it into the weights first (`bifocal merge`), or tune its base model. `bifocal study --no-tune` scores it as it is.',
    })
  }
  return adapter === undefined
    ? { dir, model, checkpoint, contract, weights }
    : { dir, model, checkpoint, contract, weights: storedWeights(checkpoint, model), adapter }
}

/**
 * The readouts that a tuning trains together, by name; which one serves is chosen on dev rows. A
 * model whose contract or preset decides the pooling keeps it; otherwise mean and last. All read
 * after the final norm of the last layer, so that every layer is trained.
 */
export function trainedReadouts({
  decided,
  encoder,
}: Pick<Subject, 'decided' | 'encoder'>): Readonly<Record<string, Readout>> {
  const { pool, dims } = encoder.contract.readout
  const at = { layer: 'last', norm: 'after' } as const
  if (decided) return { [pool]: { ...at, pool, ...(dims === undefined ? {} : { dims }) } }
  return { mean: { ...at, pool: 'mean' }, last: { ...at, pool: 'last' } }
}
