/**
 * @file The state of a tuning: arrays that each update changes in place, and how they enter the
 * graphs of the model. One type, whatever is trained.
 */

import type { Adapter } from '../../../models/checkpoint/adapter.ts'
import type { ModelWeights } from '../../../models/families/model-weights.ts'
import type { NamedArrays } from '../../training/arrays.ts'
import { TuningError } from '../errors.ts'
import type { TunableModel } from '../tunable.ts'
import { continuedAdapter, freshAdapter } from './adapter-state.ts'
import type { Dropout } from './dropout.ts'
import { trainedLowRank } from './low-rank.ts'
import type { TrainSettings } from './settings.ts'
import { trainedWhole } from './whole.ts'

export interface TrainingOptions {
  /**
   * Rows of a chunk, about. A layer's update joins its weight before the product where there are
   * more rows than the joining costs; default: more than any.
   */
  rows?: number
  /** Whether elements are dropped, where the settings say so; default true. */
  dropout?: boolean
}

/** The product of a tuning. */
type TunedResult =
  /** A PEFT adapter, its modules named as PEFT names them. */
  | { readonly kind: 'adapter'; readonly adapter: Adapter }
  /** Weights instead of the checkpoint's, by canonical name. */
  | { readonly kind: 'weights'; readonly weights: NamedArrays }

export interface Trained {
  /** Trained arrays by canonical name: `<layer>.lora_A.weight`, `<norm>.weight`. */
  readonly parameters: NamedArrays
  /**
   * Arrays that the folder holds and no vector depends on, by canonical name: updates of a tower's
   * layers after the selected one. They never get a gradient.
   */
  readonly idle: NamedArrays
  /** Names of layers with an update, and of weights that are trained themselves, for the plan. */
  readonly modules: readonly TrainedModule[]
  /** Of tables of which some rows are trained alone: those rows. Other rows get no gradient. */
  readonly rows?: Readonly<Record<string, TableRows>>
  /** Whether anything before the image rows is trained: rows of a frozen tower can be kept. */
  readonly tower: boolean
  /** Present where elements are dropped: gives the feeds that a training graph wants for it. */
  readonly dropout: Dropout | undefined
  /** The name of a parameter in the folder of PEFT, without `base_model.model.`. */
  peftName(parameter: string): string
  /**
   * How the model's weights enter a training graph. All parameters that the graph uses are fed, as
   * `fed` parameters, which have gradients.
   */
  training(options?: TrainingOptions): ModelWeights
  /**
   * How they enter an embedder's graph: to the bit as those of the folder that `writeTrained`
   * writes.
   * Updates are fed, so they follow the training; whole weights are those of the moment in which a
   * session opens.
   */
  tuned(): ModelWeights
  result(): TunedResult
}

/** Rows of a table that lie side by side. */
export interface TableRows {
  readonly first: number
  readonly count: number
}

export interface TrainedModule {
  /** The name in the running model. */
  name: string
  kind: 'lora' | 'dora' | 'whole'
  /** Of an update. */
  rank?: number
  /** How many numbers are trained. */
  size: number
  idle: boolean
}

/**
 * Opens what the settings ask for. The values before the first step leave the model as it is, but
 * for an adapter that it comes with.
 * @param seed of A's values and of dropout
 * @throws TuningError `tuning/targets`, `tuning/rank`, `tuning/train` for settings that contradict
 *   each other, `tuning/adapted`; CheckpointError for an adapter of another base
 */
export async function openTrained(
  tunable: TunableModel,
  settings: TrainSettings,
  seed: number,
): Promise<Trained> {
  checkSettings(tunable, settings)
  if (settings.method === 'all') return await trainedWhole(tunable, settings)
  const { adapter } = tunable
  const state =
    adapter === undefined
      ? await freshAdapter(tunable, settings, seed)
      : continuedAdapter(tunable, withDropout(adapter, settings.dropout))
  return trainedLowRank(tunable, state, seed)
}

/**
 * Goes on from an adapter: its arrays are trained in place.
 * @throws CheckpointError `checkpoint/adapter-target` for an adapter of another base; TuningError
 *   `tuning/train` for updates of tables, convolutions and biases, which are not trained here
 */
export function trainedFromAdapter(tunable: TunableModel, adapter: Adapter, seed = 0): Trained {
  return trainedLowRank(tunable, continuedAdapter(tunable, adapter), seed)
}

function withDropout({ config, ...adapter }: Adapter, dropout: number): Adapter {
  const { dropout: _, ...kept } = config
  return { ...adapter, config: dropout === 0 ? kept : { ...kept, dropout } }
}

function checkSettings({ dir, adapter }: TunableModel, settings: TrainSettings): void {
  const refused = (message: string, hint: string) => new TuningError('train', { message, hint })
  if (settings.continue && adapter === undefined)
    throw refused(
      `${dir} has no adapter to continue`,
      'Give the folder of the adapter, or leave `continue` out.',
    )
  if (settings.continue && settings.method === 'all')
    throw refused(
      'method all trains the weights themselves, not the adapter that the model comes with',
      'Merge the adapter first (`bifocal merge`), or give method lora.',
    )
  if (settings.method === 'all' && (settings.dora || settings.rslora || settings.dropout > 0))
    throw refused(
      'dora, rslora and dropout are settings of low-rank updates, and method all has none',
      'Leave them out, or give method lora.',
    )
}
