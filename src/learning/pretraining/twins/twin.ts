/**
 * @file A twin as data. Twins share tokenizer, samples, sizes and steps; a twin's file says how it
 * differs from the others.
 */

import { huggingFaceSpelling } from '../../../models/families/decoders/llada.ts'
import type { VisionLanguageModel } from '../../../models/families/model.ts'
import { modelOf } from '../../../models/families/registry.ts'
import { PretrainingError } from '../errors.ts'
import { IMAGE_TOKENIZERS, type ImageTokenizerName } from '../image-tokenizer/shape.ts'
import type { Objective } from '../objective.ts'
import { TWIN_TRAINING } from '../recipe.ts'

export interface Twin {
  /** The folder's name. */
  readonly name: string
  readonly objective: Objective
  /** The model that it sees pictures through, which is trained before it and stays as it is. */
  readonly pictures: PictureModel
  /** The mask that it is trained under and used with, where it is not its layout's own. */
  readonly attention?: 'causal' | 'bidirectional'
  /**
   * Its updates, where it has not those of the recipe: warm-up, phases of samples and cool-down
   * then stand at the same shares of them.
   */
  readonly updates?: number
  /**
   * Goes on from a trained twin, with fewer updates: roles that both have start with its values.
   */
  readonly goesOn?: { readonly from: string; readonly steps: number }
  /** config.json, in the layout of the twin's family. */
  readonly config: Readonly<Record<string, unknown>>
  /** Further JSON files of the folder, by name. */
  readonly files: Readonly<Record<string, unknown>>
  /** Parameters of the tower that the layout stores, though the twin does not read them. */
  readonly unread: readonly string[]
  readonly card: TwinCard
}

/**
 * Towers give features, which a projector turns into rows of the decoder's input; image tokenizers
 * give codes, which are ids of the vocabulary. Those called `unaligned` and `aligned` were trained
 * without and with text, against what is usual.
 */
export type PictureModel = 'tower' | 'tower-unaligned' | ImageTokenizerName

/** Updates that warm-up, phases of samples and cool-down are counted by. */
export function updatesOf({ updates = TWIN_TRAINING.steps }: Pick<Twin, 'updates'>): number {
  return updates
}

/** Whether a twin's pictures are codes. */
export function seesCodes<T extends Pick<Twin, 'pictures'>>(
  twin: T,
): twin is T & { readonly pictures: ImageTokenizerName } {
  return twin.pictures in IMAGE_TOKENIZERS
}

/** The parts of a model card that only this twin has. */
interface TwinCard {
  /** The library that opens the folder. */
  readonly library: 'transformers' | 'bifocal'
  /** Differences that only this twin has, beside those of all. */
  readonly unequal?: readonly string[]
  /** First paragraph. */
  readonly summary: string
  /** How the twin answers a question. */
  readonly answered: 'generated' | 'infilled'
  /** Markdown sections at the end. */
  readonly sections: readonly string[]
}

/** @throws PretrainingError `pretraining/model` when the config is no vision-language model's */
export function twinModel({ name, config }: Pick<Twin, 'name' | 'config'>): VisionLanguageModel {
  const model = modelOf(config)
  if (model.kind === 'vision-language') return model
  throw new PretrainingError('model', {
    message: `the config of ${name} is a ${model.family} model's, which is no vision-language model`,
    hint: `Give src/learning/pretraining/twins/${name}.ts the config of a vision-language family.`,
  })
}

/**
 * One spelling for a parameter of any twin. Parameters with the same role start with the same
 * values.
 */
export function roleOf(parameter: string): string {
  return huggingFaceSpelling(parameter.replace(/^language_model\./, 'model.'))
    .replace('multi_modal_projector.linear_1', 'model.mm_projector.0')
    .replace('multi_modal_projector.linear_2', 'model.mm_projector.2')
}
