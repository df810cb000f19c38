/**
 * @file Queries and candidates of the embedded tasks, with pictures as descriptions that are not
 * drawn yet (specs/embedded-data.md §5).
 */

import { INSTRUCTIONS } from '../instructions.ts'
import type { Description } from '../scene.ts'

/**
 * How far test rows lie from training (specs/twins.md §2): `in` seen drawings in new renderings;
 * `out-drawing` the withheld drawing of a known concept; `out-style` sheets never trained on;
 * `out-concept` things never seen; `out-type` a question type never tuned.
 */
export type Shift = 'in' | 'out-drawing' | 'out-style' | 'out-concept' | 'out-type'

/** A query or candidate before its picture is drawn: at least one of instruction, text, image. */
export interface SceneItem {
  readonly instruction?: string
  readonly text?: string
  readonly image?: Description
}

/** How much of a task is built. */
export interface Limits {
  /** Most training rows; a tenth of them becomes dev rows. */
  train: number
  /** Most dev rows; what is over is neither trained on nor used. */
  dev: number
  /** Most test queries. */
  test: number
  /** Most candidates of a test or dev row, the positive included. */
  candidates: number
}

/** The limits of `npm start`. */
export const QUICK_LIMITS: Limits = { train: 2000, dev: 100, test: 200, candidates: 200 }
/** All rows, for `--plan full`. */
export const COMPLETE_LIMITS: Limits = { train: 3000, dev: 300, test: 500, candidates: 1000 }

/** MMEB's form of a picture query; the picture's placeholder comes before the text. */
export function imageQuery(instruction: string, image: Description): SceneItem {
  return { instruction, image }
}

/** A question about a picture, in MMEB's words. */
export function questionQuery(question: string, image: Description): SceneItem {
  return imageQuery(`${INSTRUCTIONS.question} ${question}`, image)
}

/** A query of text alone. */
export function textQuery(instruction: string): SceneItem {
  return { instruction }
}

/** A bare string as candidate. */
export function textCandidate(text: string): SceneItem {
  return { text }
}

/** A picture as candidate. */
export function imageCandidate(image: Description): SceneItem {
  return imageQuery(INSTRUCTIONS.picture, image)
}
