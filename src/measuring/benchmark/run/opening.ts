/** @file The tasks of a run, opened: as each model sees them, and the rows that all of them use. */

import { InterruptedError } from '../../../foundation/numeric/errors.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { chanceOf, type Task } from '../../../inputs/data/task.ts'
import { BenchmarkError } from '../errors.ts'
import type { ItemFailure, OpenTask, TaskProblem, TaskSource } from '../suites/suite.ts'
import type { Contestant } from './contestant.ts'
import type { RunProblem } from './files.ts'
import type { EvaluateOptions } from './options.ts'

/** A task that was read, before anything is embedded. */
export interface OpenedTask {
  readonly name: string
  readonly suite: TaskSource['suite']
  /** As every model sees it that has no reading of its own. */
  readonly open: OpenTask
  /** By the id of a model: texts with that model's own token of a picture. */
  readonly own: ReadonlyMap<string, OpenTask>
  /** Rows that were drawn, of the usable ones. */
  readonly sample?: { readonly drawn: number; readonly usable: number }
}

type OpeningOptions = Pick<EvaluateOptions, 'tasks' | 'limit' | 'stray' | 'strict' | 'signal' | 'onProgress'>

/** Opens all tasks. @throws as `TaskSource.open`; InterruptedError */
export async function openTasks(
  contestants: readonly Contestant[],
  { tasks, limit, stray, strict, signal, onProgress }: OpeningOptions,
): Promise<OpenedTask[]> {
  const made: OpenedTask[] = []
  try {
    for (const [done, source] of tasks.entries()) {
      if (signal?.aborted) throw new InterruptedError('reading the tasks', signal)
      onProgress?.({ label: 'reading the tasks', done, total: tasks.length })
      const options = { limit, stray, strict, signal }
      const open = await source.open(options)
      const own = new Map<string, OpenTask>()
      made.push({ name: source.name, suite: source.suite, open, own })
      if (stray !== 'keep') continue
      for (const { model, imageToken } of contestants)
        if (imageToken !== undefined) own.set(model.id, await source.open({ ...options, imageToken }))
    }
    return made
  } catch (error) {
    await closeTasks(made)
    throw error
  }
}

export async function closeTasks(opened: readonly OpenedTask[]): Promise<void> {
  for (const { open, own } of opened) for (const one of [open, ...own.values()]) await one.close()
}

/** A task under the name that it has in the run. */
function named({ name, open }: OpenedTask, own: OpenTask = open): Task {
  return own.task.name === name ? own.task : { ...own.task, name }
}

/** The task as a contestant is scored on it; undefined where it cannot be. */
export function taskFor(opened: OpenedTask, { model, seen }: Contestant): Task | undefined {
  const task = named(opened, opened.own.get(model.id))
  return seen === undefined ? task : seen(task)
}

/** The same rows in another order, the same one for the same seed: a sample is its beginning. */
export function drawOrder({ name, open }: OpenedTask, seed: number): string[] {
  return shuffle(
    open.task.test.map(({ id }) => id),
    stream(seed, 'sample', name),
  )
}

/** Only these rows of a task. */
export function sampled(opened: OpenedTask, ids: ReadonlySet<string>): OpenedTask {
  const { open, own } = opened
  const usable = open.task.test.length
  return {
    ...opened,
    open: restricted(open, ids),
    own: new Map([...own].map(([id, one]) => [id, restricted(one, ids)])),
    sample: { drawn: open.task.test.filter(({ id }) => ids.has(id)).length, usable },
  }
}

function restricted(open: OpenTask, ids: ReadonlySet<string>): OpenTask {
  const test = open.task.test.filter(({ id }) => ids.has(id))
  return {
    ...open,
    task: { ...open.task, test, chance: chanceOf(test) },
    problems: open.problems.filter(({ row }) => row === null || ids.has(row) || !knows(open, row)),
    without: (failures) => restricted(open.without(failures), ids),
  }
}

/** Whether a row is usable: problems of other rows stay, whatever is drawn. */
function knows({ task }: OpenTask, row: string): boolean {
  return task.test.some(({ id }) => id === row)
}

/** Why items of a contestant have no vectors, by their keys. */
export type Failures = ReadonlyMap<string, ReadonlyMap<string, ItemFailure>>

/** Tasks whose rows every model can be scored on. */
export interface UsableTasks {
  readonly tasks: readonly OpenedTask[]
  readonly problems: readonly RunProblem[]
}

/**
 * Leaves out the rows that a model could not embed, for all models: they are compared on the same
 * rows.
 * @param failures of each model; those of baselines do not count
 */
export function usableTasks(
  opened: readonly OpenedTask[],
  contestants: readonly Contestant[],
  failures: Failures,
): UsableTasks {
  const models = contestants.filter(({ model }) => model.role === 'model')
  const problems: RunProblem[] = []
  const tasks = opened.map((task) => {
    const views = models.map(({ model }) => {
      const open = task.own.get(model.id) ?? task.open
      return { id: model.id, open: open.without(failures.get(model.id) ?? new Map()) }
    })
    if (views.length === 0) views.push({ id: '', open: task.open })
    const lists = views.map(({ open }) => new Set(open.task.test.map(({ id }) => id)))
    const kept = new Set([...lists[0]!].filter((id) => lists.every((list) => list.has(id))))
    problems.push(...problemsOf(views))
    const before = task.sample
    const whole = kept.size === task.open.task.test.length
    const left = whole ? task : sampled(task, kept)
    return { ...left, ...(before === undefined ? { sample: undefined } : { sample: before }) }
  })
  return { tasks, problems }
}

/** The problems of all models; one that only some have names them. */
function problemsOf(views: readonly { id: string; open: OpenTask }[]): RunProblem[] {
  const found = new Map<string, { problem: TaskProblem; ids: string[] }>()
  for (const { id, open } of views)
    for (const problem of open.problems) {
      const key = JSON.stringify(problem)
      const known = found.get(key) ?? { problem, ids: [] }
      found.set(key, { problem, ids: [...known.ids, id] })
    }
  return [...found.values()].flatMap(({ problem, ids }): RunProblem[] =>
    ids.length === views.length ? [{ ...problem }] : ids.map((model) => ({ ...problem, model })),
  )
}

/** Rows, or whole datasets, with a problem. */
export function rowsLeft(problems: readonly TaskProblem[]): number {
  return new Set(problems.map(({ dataset, row }) => JSON.stringify([dataset, row]))).size
}

/** @throws BenchmarkError `benchmark/too-many-problems` */
export function checkProblems(problems: readonly TaskProblem[], most: number): void {
  const left = rowsLeft(problems)
  if (left <= most) return
  const kinds = new Map<string, number>()
  for (const { dataset, kind } of problems) {
    const name = `${dataset}: ${kind}`
    kinds.set(name, (kinds.get(name) ?? 0) + 1)
  }
  const told = [...kinds].sort((a, b) => b[1] - a[1]).slice(0, 3)
  const words = told.map(([name, count]) => `${name} (${count})`).join('; ')
  const first = problems[0]?.message ?? ''
  throw new BenchmarkError('too-many-problems', {
    message: `${left} rows cannot be used, at most ${most} may be left out: ${words}. First: ${first}`,
    hint: 'Mend the data, or let more rows be left out: --max-problems N.',
  })
}
