/** @file Which kind of samples a twin sees at which update. */

import { stream } from '../../foundation/numeric/random.ts'
import type { SampleKind } from '../../inputs/scenes/sample.ts'
import { scaledTo } from './recipe.ts'

/**
 * Updates before the first picture, on plain texts learnt whole: what published twins bring along
 * from their language models. Of answers alone (two to four tokens a row), a decoder took 1,000
 * updates to copy words out of a caption.
 */
export const READING_STEPS = 250
/** Among the updates before the first picture, one of so many asks what words mean. */
const WORDS_EVERY = 5
/** Of the later batches one of so many is text only, in turn a plain text and questions. */
const TEXT_EVERY = 8

const PICTURE_KINDS = [
  'qa',
  'caption',
  'count',
  'colour',
  'shapes',
  'label',
  'silhouette',
  'tags',
  'group',
] as const

/** Shares of the kinds among the batches with pictures, from an update on. */
export interface Phase {
  readonly from: number
  readonly shares: { readonly [K in (typeof PICTURE_KINDS)[number]]: number }
}

/**
 * Against specs/twins.md §3.2 counts, colours and silhouettes have batches of their own: among all
 * questions they are so rare that names were learnt ten times sooner. And a model that can't name
 * silhouettes (.17 of them, when .79 of drawings were named) can't tell which of two has which
 * colour.
 */
const NAMING: Phase = {
  from: READING_STEPS,
  shares: {
    qa: 0.12,
    caption: 0.14,
    count: 0.1,
    colour: 0.12,
    shapes: 0.2,
    label: 0.12,
    silhouette: 0.14,
    tags: 0.02,
    group: 0.04,
  },
}
/**
 * .30 of counts were right by then, .72 of shapes' colours (autoregressive twin); 200 batches of
 * counts alone brought .72 of them.
 */
const COUNTING: Phase = {
  from: 2_000,
  shares: {
    qa: 0.12,
    caption: 0.14,
    count: 0.24,
    colour: 0.08,
    shapes: 0.12,
    label: 0.1,
    silhouette: 0.12,
    tags: 0.02,
    group: 0.06,
  },
}
/**
 * Counts were learnt by then, shapes' colours by the autoregressive twin only. Where an answer
 * names two shapes and one colour is masked, the other gives it away: to the diffusion twin,
 * questions with one colour for an answer are worth more.
 */
const MATCHING: Phase = {
  from: 3_000,
  shares: {
    qa: 0.1,
    caption: 0.12,
    count: 0.12,
    colour: 0.36,
    shapes: 0.02,
    label: 0.1,
    silhouette: 0.14,
    tags: 0.01,
    group: 0.03,
  },
}
export const PHASES: readonly Phase[] = [NAMING, COUNTING, MATCHING]

/** Numbers that decide which kind of samples an update sees. */
export interface TwinDiet {
  /** Updates before the first picture. */
  readonly reading: number
  readonly wordsEvery: number
  readonly textEvery: number
  readonly phases: readonly Phase[]
}

/** @param updates of the training in all: with half of the recipe's, every phase begins at half */
export function dietOf(updates: number): TwinDiet {
  return {
    reading: scaledTo(updates, READING_STEPS),
    wordsEvery: WORDS_EVERY,
    textEvery: TEXT_EVERY,
    phases: PHASES.map(({ from, shares }) => ({ from: scaledTo(updates, from), shares })),
  }
}

/** The kind of a step's samples. */
export function kindOf(
  { reading, wordsEvery, textEvery, phases }: TwinDiet,
  seed: number,
  step: number,
): SampleKind {
  if (step < reading) return step % wordsEvery === wordsEvery - 1 ? 'text' : 'reading'
  if (step % textEvery === textEvery - 1) return step % (2 * textEvery) < textEvery ? 'reading' : 'text'
  const { shares } = phases.findLast(({ from }) => step >= from)!
  let rest = stream(seed, 'kind', step)()
  for (const kind of PICTURE_KINDS) {
    rest -= shares[kind]
    if (rest < 0) return kind
  }
  return 'group'
}
