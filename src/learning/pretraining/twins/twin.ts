/**
 * @file A twin as data. Twins share tower, tokenizer, samples, sizes and steps; a twin's file says
 * how it differs from the others.
 */

import { huggingFaceSpelling } from '../../../models/families/decoders/llada.ts'
import type { VisionLanguageModel } from '../../../models/families/model.ts'
import { modelOf } from '../../../models/families/registry.ts'
import { PretrainingError } from '../errors.ts'
import type { Objective } from '../twin-batch.ts'

export interface Twin {
  /** The folder's name. */
  readonly name: string
  readonly objective: Objective
  /** config.json, in the layout of the twin's family. */
  readonly config: Readonly<Record<string, unknown>>
  /** Further JSON files of the folder, by name. */
  readonly files: Readonly<Record<string, unknown>>
  /** Parameters of the tower that the layout stores, though the twin does not read them. */
  readonly unread: readonly string[]
  readonly card: TwinCard
}

/** The parts of a model card that only this twin has. */
interface TwinCard {
  /** The library that opens the folder. */
  readonly library: 'transformers' | 'bifocal'
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
