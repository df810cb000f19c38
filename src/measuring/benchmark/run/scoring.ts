/** @file Scores of one contestant on one task: from the run where they are known, else computed. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readJson } from '../../../foundation/files/file.ts'
import { BifocalError } from '../../../foundation/numeric/errors.ts'
import type { Task } from '../../../inputs/data/task.ts'
import type { VectorFolder } from '../../../models/embedder/vectors/folder.ts'
import { evaluateTask } from '../evaluate.ts'
import { metricLabels } from '../metrics.ts'
import { itemsOf } from '../task.ts'
import { scoreTask, taskScoreLabels } from '../task-scores.ts'
import { RUN_VERSION, type RunModel, runFiles, scoresSchema, sha256, type TaskScoresFile } from './files.ts'
import { rowsHash, rowsOf } from './rows.ts'
import type { RunWriter } from './writer.ts'

/** Scores, or the keys of items that should have vectors and have none. */
export type Scored =
  | { readonly scores: TaskScoresFile; readonly kept: boolean }
  | { readonly missing: readonly string[] }

export interface ScoringPlace {
  readonly writer: RunWriter
  readonly folder: VectorFolder
  readonly seed: number
}

/**
 * The address of scores: vectors, rows, and what is computed of them. Equal addresses, equal
 * scores.
 */
function addressOf({ fingerprint }: RunModel, taskHash: string, seed: number): string {
  const names = [...metricLabels(), ...taskScoreLabels()].map(({ name }) => name)
  return sha256(JSON.stringify([RUN_VERSION, fingerprint, taskHash, seed, names]))
}

/** @throws FileError; ScoringError */
export async function scored(
  model: RunModel,
  task: Task,
  { writer, folder, seed }: ScoringPlace,
): Promise<Scored> {
  const rows = rowsOf(task)
  const taskHash = rowsHash(rows)
  const address = addressOf(model, taskHash, seed)
  const file = join(writer.path, runFiles.scores(model.id, task.name))
  const hasRows = existsSync(join(writer.path, runFiles.rows(taskHash)))
  const known = hasRows && existsSync(file) ? await readScores(file) : undefined
  if (known?.address === address) return { scores: known, kept: true }
  const keys = [...new Set(itemsOf([task], 'test').map(({ key }) => key))]
  const vectors = await folder.all(keys)
  const missing = keys.filter((key) => !vectors.has(key))
  if (missing.length > 0) return { missing }
  const vectorOf = (key: string) => vectors.get(key)![0]!
  const { rows: perRow } = await evaluateTask(task, vectorOf)
  const scores: TaskScoresFile = {
    schemaVersion: RUN_VERSION,
    address,
    model: model.id,
    task: task.name,
    taskHash,
    further: await scoreTask(task, vectorOf, seed),
    rows: perRow.map((row) => ({ ...row, metrics: { ...row.metrics } })),
  }
  if (!hasRows) await writer.rows(rows)
  await writer.scores(scores)
  return { scores, kept: false }
}

/** A file that is damaged, or of another version, is made anew. */
async function readScores(file: string): Promise<TaskScoresFile | undefined> {
  try {
    return await readJson(file, scoresSchema)
  } catch (error) {
    if (error instanceof BifocalError && ['file/json', 'file/schema'].includes(error.code)) return undefined
    throw error
  }
}
