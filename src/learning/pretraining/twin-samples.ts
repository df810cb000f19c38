/**
 * @file The samples that the twins see, step by step, and their wordings. All twins get the same
 * ones.
 */

import { stream } from '../../foundation/numeric/random.ts'
import { INSTRUCTIONS } from '../../inputs/scenes/instructions.ts'
import type { Sample, SampleKind } from '../../inputs/scenes/sample.ts'
import { CAPTION_PROMPTS, pretrainingSample } from '../../inputs/scenes/samples.ts'
import type { Description, SceneUse } from '../../inputs/scenes/scene.ts'
import { TWIN_TRAINING, type TwinTraining } from './recipe.ts'
import type { TowerWorld } from './tower-batch.ts'
import { dietOf, kindOf, type TwinDiet } from './twin-diet.ts'

/** The samples and pictures of one batch. */
export interface TwinSamples {
  samples: readonly Sample[]
  /** One for each sample; other than the samples' own where pictures are shuffled. */
  pictures: readonly (Description | null)[]
  /** The codes of the pictures, for a twin that reads codes. */
  codes?: readonly (readonly number[] | null)[]
}

/** The samples of a step. A batch holds one kind, so that its rows are of like length. */
export function trainingSamples(
  { world }: Pick<TowerWorld, 'world'>,
  { batch, seed }: TwinTraining,
  step: number,
  diet: TwinDiet = dietOf(TWIN_TRAINING.steps),
): TwinSamples {
  const { samples, pictures } = samplesOf(world, {
    kind: kindOf(diet, seed, step),
    seed,
    from: step * batch,
    count: batch,
    use: 'train',
  })
  const random = stream(seed, 'wording', step)
  return { samples: samples.map((sample) => (random() < REWORDED ? reworded(sample) : sample)), pictures }
}

/**
 * Share of training prompts that are worded as the embedding tasks word theirs: an
 * instruction-tuned model knows such instructions.
 */
const REWORDED = 0.4

function reworded(sample: Sample): Sample {
  return { ...sample, prompt: wordingOf(sample) }
}

function wordingOf({ kind, prompt }: Sample): string {
  switch (kind) {
    case 'label':
    case 'silhouette':
      return INSTRUCTIONS.label
    case 'group':
      return INSTRUCTIONS.group
    case 'caption':
      return prompt === CAPTION_PROMPTS.background ? INSTRUCTIONS.pictureToCaption : prompt
    case 'qa':
    case 'count':
    case 'colour':
      return `${INSTRUCTIONS.question} ${prompt}`
    case 'shapes':
    case 'tags':
    case 'reading':
    case 'text':
      return prompt
  }
}

export interface SampleRange {
  kind: SampleKind
  seed: number
  from: number
  count: number
  use: SceneUse
}

export function samplesOf(
  world: TowerWorld['world'],
  { kind, seed, from, count, use }: SampleRange,
): TwinSamples {
  const samples = Array.from({ length: count }, (_, i) =>
    pretrainingSample(world, seed, from + i, { kind, use }),
  )
  return { samples, pictures: samples.map(({ description }) => description) }
}

/** Each sample with the next one's picture. */
export function withShuffledPictures({ samples, pictures }: Omit<TwinSamples, 'codes'>): TwinSamples {
  return { samples, pictures: pictures.map((_, i) => pictures[(i + 1) % pictures.length]!) }
}
