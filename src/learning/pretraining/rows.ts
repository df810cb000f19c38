/** @file A sample as a row of token ids, in the layout of its twin. */

import type { Sample } from '../../inputs/scenes/sample.ts'
import { IGNORED, type TargetRow } from './masked-diffusion.ts'
import { IMAGE_TOKENS, VOCABULARY } from './recipe.ts'
import type { TowerWorld } from './tower-batch.ts'
import { SPECIAL_IDS } from './vocabulary.ts'

/** A picture as a row has it: places for a tower's features, or an image tokenizer's codes. */
export type Shown = 'features' | readonly number[] | undefined

/** One row before padding: token ids, the end token of the answer included. */
export interface Row {
  prompt: number[]
  answer: number[]
  /** Whether features are put in the place of ids, behind the first one. */
  hasFeatures: boolean
}

export const isPlainText = ({ prompt }: Sample): boolean => prompt === ''

/**
 * A sample as token ids, image positions in place. A plain text has no user's turn. Features stand
 * within it, codes before it, as MMaDA has them (specs/mmada.md §4.1).
 */
export function rowOf({ tokenizer }: TowerWorld, sample: Sample, shown: Shown): Row {
  const { prompt, answer } = sample
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })
  const hasFeatures = shown === 'features'
  if (isPlainText(sample))
    return { prompt: [SPECIAL_IDS.bos], answer: [...encode(answer), SPECIAL_IDS.eos], hasFeatures }
  const picture = hasFeatures ? new Array<number>(IMAGE_TOKENS).fill(SPECIAL_IDS.image) : []
  const before = shown === undefined || hasFeatures ? [] : [SPECIAL_IDS.understand, ...framed(shown)]
  return {
    prompt: [
      ...before,
      SPECIAL_IDS.bos,
      ...picture,
      ...encode(hasFeatures ? `\n${prompt}` : prompt),
      SPECIAL_IDS.endOfTurn,
    ],
    answer: [...encode(answer), SPECIAL_IDS.eos],
    hasFeatures,
  }
}

/** Codes as ids, between the marks of a picture. */
function framed(codes: readonly number[]): number[] {
  return [SPECIAL_IDS.startOfImage, ...codes.map((code) => VOCABULARY + code), SPECIAL_IDS.endOfImage]
}

/**
 * A picture to be made from words, which are prompt here; without words, from nothing.
 * Rows are padded behind the picture, not before it: relative positions make the two equal.
 * @see specs/mmada.md §4.4
 */
export function pictureRow(
  { tokenizer }: TowerWorld,
  words: string | undefined,
  codes: readonly number[],
): Row {
  const text = words === undefined ? [] : tokenizer.encode(words, { addSpecialTokens: false })
  return {
    prompt: [SPECIAL_IDS.textToImage, SPECIAL_IDS.bos, ...text, SPECIAL_IDS.eos],
    answer: framed(codes),
    hasFeatures: false,
  }
}

/** A row padded to a length; its answer is the target. */
export function targetRow({ prompt, answer }: Row, seq: number): TargetRow {
  const rest = new Array<number>(seq - prompt.length - answer.length).fill(SPECIAL_IDS.eos)
  return {
    inputIds: [...prompt, ...answer, ...rest],
    labels: [...prompt.map(() => IGNORED), ...answer, ...rest.map(() => IGNORED)],
  }
}

export const lengthOf = ({ prompt, answer }: Row): number => prompt.length + answer.length

/** `imageIndex` of the first positions of a row whose picture is number `picture` of its batch. */
export function imagePositions(picture: number): number[] {
  return [-1, ...Array.from({ length: IMAGE_TOKENS }, (_, i) => picture * IMAGE_TOKENS + i)]
}
