/**
 * @file Where the tasks of a run come from. A suite names its tasks before anything is read, opens
 * each one when its turn comes, and takes out the rows that a model could not embed.
 */

import type { BifocalError } from '../../../foundation/numeric/errors.ts'
import type { Stray } from '../../../inputs/data/mmeb/placeholder.ts'
import type { Task } from '../../../inputs/data/task.ts'

/** Suites of tasks: shipped with the package, a folder of MMEB, the user's own files. */
type SuiteName = 'embedded' | 'mmeb' | 'own'

/** One task to be measured, not read yet. */
export interface TaskSource {
  /** Unique within a run: the dataset's own name; where two meet, the suite stands before it. */
  readonly name: string
  readonly suite: SuiteName
  /**
   * Reads the rows, and the key of every picture. Pictures are decoded when their item is embedded.
   * @throws what cannot be read at all; with `strict` the error of the first problem
   */
  open(options?: OpenTaskOptions): Promise<OpenTask>
}

export interface OpenTaskOptions {
  /** Rows at most. */
  readonly limit?: number
  /** How a placeholder without a picture is read; default `drop`. */
  readonly stray?: Stray
  /** Replaces a placeholder that is kept: the model's own token of a picture. */
  readonly imageToken?: string
  /** Whether the first problem ends the call. */
  readonly strict?: boolean
  readonly signal?: AbortSignal
}

/** A task that was read. */
export interface OpenTask {
  /** Its test rows are measured; dev rows may be empty. */
  readonly task: Task
  /** Names of the published averages that it belongs to: `['CLS', 'IND']`; empty for none. */
  readonly averages: readonly string[]
  /** The metric that decides, by its name in the table of metrics; default `hit1`. */
  readonly metric?: string
  /** Scores that were published for this task, whatever the model. */
  readonly published?: readonly PublishedScore[]
  /** In the order of the file. */
  readonly problems: readonly TaskProblem[]
  /** Rows of the file; undefined where it cannot be read. */
  readonly total: number | undefined
  /**
   * The same task without the rows that use an item that could not be embedded: a row with a
   * shorter list of candidates would flatter the model.
   * @param failures by the keys of the items
   */
  without(failures: ReadonlyMap<string, ItemFailure>): OpenTask
  /** Closes files whose pictures are read again when they are decoded. */
  close(): Promise<void>
}

/** Why an item has no vector; every BifocalError is one. */
export type ItemFailure = Pick<BifocalError, 'code' | 'message' | 'hint'>

/** A score that somebody published. */
export interface PublishedScore {
  /** The model's name on the hub: `TIGER-Lab/VLM2Vec-Qwen2VL-2B`. */
  readonly model: string
  /** Name in the table of metrics: the one that was published. */
  readonly metric: string
  /** In [0, 1]. */
  readonly score: number
  /** Paper, or address. */
  readonly source: string
}

/** A row, or a whole dataset, that cannot be used. */
export interface TaskProblem {
  readonly dataset: string
  /** The row's name in the task; null for the whole dataset. */
  readonly row: string | null
  readonly side?: 'query' | 'candidate'
  /** Position in the list. */
  readonly candidate?: number
  readonly column?: string
  /** Of a picture. */
  readonly path?: string
  /** In the words of reports: `picture-missing`. */
  readonly kind: string
  readonly message: string
}
