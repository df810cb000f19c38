/**
 * @file The shape of an embedded task: MMEB's, with pictures as descriptions that are drawn when
 * needed (specs/embedded-data.md §5).
 */

import { INSTRUCTIONS } from '../instructions.ts'
import { type Description, pictureKey } from '../scene.ts'

export type MetaTask = 'classification' | 'vqa' | 'retrieval'

/**
 * The ladder of difficulty (specs/twins.md §2): `in` seen drawings in new renderings; `out-drawing`
 * the withheld drawing of a known concept; `out-style` sheets never trained on; `out-concept`
 * things never seen; `out-type` a question type never tuned.
 */
export type Rung = 'in' | 'out-drawing' | 'out-style' | 'out-concept' | 'out-type'

/** A query or candidate: at least one of instruction, text and image. */
export interface Item {
  /** Equal for equal items: what an embedding is cached under. */
  readonly key: string
  readonly instruction?: string
  readonly text?: string
  readonly image?: Description
}

export interface Row {
  /** Unique within the task. */
  readonly id: string
  readonly query: Item
  /**
   * The positive first. Training rows hold it and their hard negatives only: the rest of the batch
   * is the negatives.
   */
  readonly candidates: readonly Item[]
  readonly positive: 0
  /** Rows of one cluster are resampled together: they share a thing. */
  readonly cluster: string
  /** Position in `candidates` of the one that the score "apart" compares with the positive. */
  readonly hardIndex?: number
}

export interface EmbeddedTask {
  readonly name: string
  readonly metaTask: MetaTask
  readonly rung: Rung
  /** Why the task stands on its rung, in words. */
  readonly reason: string
  /** Hit@1 of a blind guess: 1 / number of candidates. */
  readonly chance: number
  /**
   * `pool`: all rows choose from one pool; `local`: each row has its own list. Items of a pool are
   * shared objects, in a row's own order.
   */
  readonly candidates: 'local' | 'pool'
  readonly train: readonly Row[]
  readonly dev: readonly Row[]
  readonly test: readonly Row[]
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

/** What `npm start` runs. */
export const QUICK_LIMITS: Limits = { train: 2000, dev: 100, test: 200, candidates: 200 }
/** All rows, for `--preset full`. */
export const COMPLETE_LIMITS: Limits = { train: 3000, dev: 300, test: 500, candidates: 1000 }

/** MMEB's form of a picture query; the picture's placeholder comes before the text. */
export function imageQuery(instruction: string, image: Description): Item {
  return { key: `${pictureKey(image)} ${instruction}`, instruction, image }
}

/** A question about a picture, in MMEB's words. */
export function questionQuery(question: string, image: Description): Item {
  return imageQuery(`${INSTRUCTIONS.question} ${question}`, image)
}

/** A query of text alone. */
export function textQuery(instruction: string): Item {
  return { key: instruction, instruction }
}

/** A bare string as candidate. */
export function textCandidate(text: string): Item {
  return { key: `text ${text}`, text }
}

/** A picture as candidate. */
export function imageCandidate(image: Description): Item {
  return imageQuery(INSTRUCTIONS.picture, image)
}
