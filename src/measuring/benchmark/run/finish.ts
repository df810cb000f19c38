/** @file The second half of a run: scores, pages' pictures, results. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readJson } from '../../../foundation/files/file.ts'
import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import type { Task } from '../../../inputs/data/task.ts'
import { BenchmarkError } from '../errors.ts'
import type { Contestant } from './contestant.ts'
import { type Embedded, type EmbeddingOptions, embedTasks, folderOf } from './embedding.ts'
import { type RunRecord, runFiles, shownTaskSchema, type TaskScoresFile } from './files.ts'
import { checkProblems, type OpenedTask, taskFor, type UsableTasks, usableTasks } from './opening.ts'
import { DEFAULT_MOST_PROBLEMS, type EvaluateOptions } from './options.ts'
import type { Prepared } from './prepare.ts'
import { resultsOf } from './results.ts'
import { hashOf } from './rows.ts'
import { scored } from './scoring.ts'
import { predictedOf, shownAddress, shownTask } from './shown.ts'
import type { RunWriter } from './writer.ts'

export interface Finishing {
  readonly writer: RunWriter
  readonly options: EvaluateOptions
  readonly embedding: EmbeddingOptions
}

/**
 * Scores all tasks.
 * @returns how many scores were computed, and kept
 * @throws BenchmarkError `benchmark/no-rows`, `benchmark/too-many-problems`; FileError;
 *   InterruptedError
 */
export async function finish(
  { contestants, opened, setting }: Prepared,
  made: Embedded,
  { writer, options, embedding }: Finishing,
): Promise<RunRecord['scored']> {
  const usable = usableTasks(opened, contestants, made.failures)
  checkProblems(usable.problems, options.maxProblems ?? DEFAULT_MOST_PROBLEMS)
  const tasks = usable.tasks.filter(({ open }) => open.task.test.length > 0)
  if (tasks.length === 0) throw noRows(usable)
  const folders = new Map(made.folders)
  const files: TaskScoresFile[] = []
  let kept = 0
  for (const [at, contestant] of contestants.entries()) {
    const { model } = contestant
    for (const [place, opened] of tasks.entries()) {
      const { signal, onProgress } = options
      if (signal?.aborted) throw new InterruptedError('scoring', signal)
      const [done, total] = [at * tasks.length + place, contestants.length * tasks.length]
      onProgress?.({ label: `scoring ${model.label} on ${opened.name}`, done, total })
      const task = taskFor(opened, contestant)
      const failures = made.failures.get(model.id)
      if (task === undefined || (failures !== undefined && fails(task, failures))) continue
      const own = { writer, folder: folders.get(model.id)!, seed: setting.seed }
      let found = await scored(model, task, own)
      if ('missing' in found) {
        // A chunk proved damaged when it was read. Its items are computed again.
        await embedTasks(usable.tasks, [contestant], embedding)
        folders.set(model.id, await folderOf(contestant, embedding))
        found = await scored(model, task, { ...own, folder: folders.get(model.id)! })
      }
      if ('missing' in found) throw noVector(model.id, found.missing)
      files.push(found.scores)
      kept += Number(found.kept)
    }
  }
  for (const task of tasks) await writeShown(task, contestants, files, writer)
  const { command, seed } = setting
  const models = contestants.map(({ model }) => model)
  await writer.results(resultsOf({ command, seed, models, tasks, problems: usable.problems, scores: files }))
  return { computed: files.length - kept, kept }
}

/** Whether a baseline lacks a vector of the task. */
function fails({ test }: Task, failures: ReadonlyMap<string, unknown>): boolean {
  if (failures.size === 0) return false
  return test.some(
    ({ query, candidates }) => failures.has(query.key) || candidates.some(({ key }) => failures.has(key)),
  )
}

/** Rows of models that see the task as it is: their positions are those of its candidates. */
async function writeShown(
  opened: OpenedTask,
  contestants: readonly Contestant[],
  files: readonly TaskScoresFile[],
  writer: RunWriter,
): Promise<void> {
  const plain = contestants.filter(({ seen }) => seen === undefined).map(({ model }) => model.id)
  const rows = files.filter((one) => one.task === opened.name && plain.includes(one.model))
  const task = { ...opened.open.task, name: opened.name }
  const taskHash = hashOf(opened)
  const predicted = predictedOf(
    task,
    rows.map((one) => one.rows),
  )
  const file = join(writer.path, runFiles.shown(opened.name))
  const known = existsSync(file) ? await readJson(file, shownTaskSchema).catch(() => undefined) : undefined
  if (known?.address === shownAddress(taskHash, predicted)) return
  await writer.shown(await shownTask(task, taskHash, predicted))
}

function noRows({ problems }: UsableTasks): BenchmarkError {
  return new BenchmarkError('no-rows', {
    message: `no row of any task can be used: ${problems[0]?.message ?? 'the tasks are empty'}`,
    hint: 'Look at the first problem; the others are often of its kind.',
  })
}

function noVector(model: string, missing: readonly string[]): BenchmarkError {
  return new BenchmarkError('missing-shard', {
    message: `${model} has no vectors of ${missing.length} items, ${missing[0]} the first`,
    hint: 'Run the shards that are missing, and merge again.',
  })
}
