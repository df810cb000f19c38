/** @file A finished run, opened for reading: what comparisons, analyses and pages start from. */

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { readJson } from '../../../foundation/files/file.ts'
import type { ErrorDetails } from '../../../foundation/numeric/errors.ts'
import type { Task } from '../../../inputs/data/task.ts'
import { VectorFolder } from '../../../models/embedder/vectors/folder.ts'
import { BenchmarkError } from '../errors.ts'
import type { ModelScores, TaskScores } from '../evaluate.ts'
import {
  RUN_VERSION,
  type RunModel,
  type RunResults,
  type RunTask,
  recordSchema,
  resultsSchema,
  rowsSchema,
  runFiles,
  type ShownTask,
  scoresSchema,
  shownTaskSchema,
  type TaskScoresFile,
} from './files.ts'
import { taskOfRows } from './rows.ts'

export interface EvalRun {
  /** Folder of the run. */
  readonly path: string
  readonly models: readonly RunModel[]
  readonly tasks: readonly RunTask[]
  /** Everything that stands in `results.json`. */
  readonly results: RunResults
  /**
   * Rows of every task that the model was scored on: what `compareScores` takes.
   * @param model its id
   * @throws BenchmarkError `benchmark/no-model`; FileError
   */
  scores(model: string): Promise<ModelScores>
  /**
   * The rows that a model was scored on, with items that are known by their keys alone.
   * @throws BenchmarkError `benchmark/no-model`, `benchmark/no-task`; FileError
   */
  task(model: string, task: string): Promise<Task>
  /**
   * Texts and small pictures of a task's rows.
   * @throws BenchmarkError `benchmark/no-task`; FileError
   */
  shown(task: string): Promise<ShownTask>
  /**
   * The stored vectors of a model; undefined where none are left.
   * @throws BenchmarkError `benchmark/no-model`; FileError
   */
  vectors(model: string): Promise<VectorFolder | undefined>
}

/**
 * Opens the folder of a finished run.
 * @throws BenchmarkError `benchmark/run` for a folder that is no run, or of one that is not
 *   finished, `benchmark/run-version`; FileError for files that are damaged
 * @example const { models, scores } = await openRun('out'); await scores(models[0].id)
 */
export async function openRun(path: string): Promise<EvalRun> {
  await checkFolder(path)
  const results = await readJson(join(path, runFiles.results), resultsSchema)
  const { models, tasks } = results
  const modelOf = (id: string) => {
    const found = models.find((one) => one.id === id)
    if (found !== undefined) return found
    throw new BenchmarkError(
      'no-model',
      notThere(
        path,
        'model',
        id,
        models.map((one) => one.id),
      ),
    )
  }
  const taskOf = (name: string) => {
    const found = tasks.find((one) => one.name === name)
    if (found !== undefined) return found
    throw new BenchmarkError(
      'no-task',
      notThere(
        path,
        'task',
        name,
        tasks.map((one) => one.name),
      ),
    )
  }
  const scoresFile = async (model: string, task: string): Promise<TaskScoresFile> =>
    await readJson(join(path, runFiles.scores(model, task)), scoresSchema)
  return {
    path,
    models,
    tasks,
    results,
    async scores(model) {
      modelOf(model)
      const all: TaskScores[] = []
      for (const { model: own, task } of results.scores)
        if (own === model) all.push({ task, rows: (await scoresFile(model, task)).rows })
      return { model, tasks: all }
    },
    async task(model, task) {
      modelOf(model)
      const signs = taskOf(task)
      const { taskHash } = await scoresFile(model, task)
      return taskOfRows(await readJson(join(path, runFiles.rows(taskHash)), rowsSchema), signs)
    },
    async shown(task) {
      taskOf(task)
      return await readJson(join(path, runFiles.shown(task)), shownTaskSchema)
    },
    async vectors(model) {
      const { fingerprint, readouts } = modelOf(model)
      if (fingerprint === null) return undefined
      const folder = await VectorFolder.open(await storeOf(path), { fingerprint, readouts })
      return folder.size === 0 ? undefined : folder
    },
  }
}

/** Where the vectors of a run lie. */
async function storeOf(path: string): Promise<string> {
  const record = join(path, runFiles.record)
  const store = existsSync(record) ? (await readJson(record, recordSchema)).store : undefined
  return store === undefined ? join(path, runFiles.vectors) : resolve(path, store)
}

const versioned = z.looseObject({ schemaVersion: z.int() })

/** @throws BenchmarkError `benchmark/run`, `benchmark/run-version`; FileError */
async function checkFolder(path: string): Promise<void> {
  const [setting, results] = [join(path, runFiles.setting), join(path, runFiles.results)]
  if (!existsSync(setting)) {
    const found = existsSync(join(path, 'work', 'study.json'))
      ? 'is the folder of a study'
      : existsSync(path)
        ? `has no ${runFiles.setting}`
        : 'does not exist'
    throw new BenchmarkError('run', {
      message: `${path} ${found}: expected the folder of a run`,
      hint: 'Name a folder that `bifocal eval … --out FOLDER` wrote.',
    })
  }
  if (!existsSync(results)) {
    throw new BenchmarkError('run', {
      message: `${path} holds a run that is not finished: it has no ${runFiles.results}`,
      hint: 'Start the same `bifocal eval` again: it goes on. Shards are joined by `bifocal merge-runs`.',
    })
  }
  const { schemaVersion } = await readJson(results, versioned)
  if (schemaVersion === RUN_VERSION) return
  throw new BenchmarkError('run-version', {
    message: `${path} holds a run of version ${schemaVersion}, expected version ${RUN_VERSION}`,
    hint: 'Run `bifocal eval` again with this version of bifocal, or use the version that wrote it.',
  })
}

function notThere(
  path: string,
  kind: 'model' | 'task',
  given: string,
  names: readonly string[],
): ErrorDetails {
  return {
    message: `the run in ${path} has no ${kind} ${given}; its ${kind}s are ${names.join(', ')}`,
    hint: `Name one of these, or run \`bifocal eval\` with the ${kind} too.`,
  }
}
