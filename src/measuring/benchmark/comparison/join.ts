/** @file Joins the rows of several models: by task, by the task's rows, by the id of the row. */

import { firstOf } from '../../../foundation/numeric/errors.ts'
import type { Row } from '../../../inputs/data/task.ts'
import { BenchmarkError } from '../errors.ts'
import type { ModelScores, RowScores, TaskScores } from '../evaluate.ts'
import type { RunTask } from '../run/files.ts'
import type { RunOperand } from './operands.ts'

/** A task that all operands were scored on. */
export interface JoinedTask {
  /** As the first operand's run describes it. */
  readonly task: RunTask
  /** For each operand its scores, row by row of the same query. */
  readonly scores: readonly TaskScores[]
}

/** Rows or a task that could not be compared. */
export interface LeftRows {
  readonly task: string
  readonly model: string
  readonly rows: number
  readonly reason: string
}

export interface JoinedRuns {
  readonly tasks: readonly JoinedTask[]
  readonly left: readonly LeftRows[]
}

/**
 * @param common compares the rows that all have, where they differ
 * @throws BenchmarkError `benchmark/other-tasks`, `benchmark/other-rows`,
 *   `benchmark/other-candidates`, `benchmark/other-sample`; FileError
 */
export async function joinRuns(
  operands: readonly RunOperand[],
  { common = false } = {},
): Promise<JoinedRuns> {
  const all = await Promise.all(operands.map(({ run, model }) => run.scores(model.id)))
  const tasks: JoinedTask[] = []
  const left: LeftRows[] = []
  for (const name of taskNames(all)) {
    const found = all.map((scores) => scores.tasks.find(({ task }) => task === name))
    const present = found.flatMap((one) => one ?? [])
    if (present.length < operands.length) {
      const lacking = operands.filter((_, i) => found[i] === undefined)
      if (!common) throw otherTasks(name, lacking, operands)
      left.push(...lackingTask(name, operands, found))
      continue
    }
    const joined = await joinTask(name, operands, present, common)
    left.push(...joined.left)
    if (joined.scores[0]!.rows.length > 0)
      tasks.push({ task: taskOf(operands[0]!, name), scores: joined.scores })
  }
  if (tasks.length > 0) return { tasks, left }
  throw new BenchmarkError('other-rows', {
    message: `${operands.map(({ label }) => label).join(' and ')} have no row of any task in common`,
    hint: 'Score them on the same tasks, and compare those.',
  })
}

/** Names of the tasks that any of the models was scored on, in the order of the models. */
export function taskNames(all: readonly ModelScores[]): string[] {
  return [...new Set(all.flatMap(({ tasks }) => tasks.map(({ task }) => task)))]
}

/** A task that some operands were not scored on: a line for each of those. */
export function lackingTask(
  task: string,
  operands: readonly RunOperand[],
  found: readonly (TaskScores | undefined)[],
): LeftRows[] {
  const rows = Math.max(...found.map((one) => one?.rows.length ?? 0))
  return operands.flatMap(({ id: model }, i) =>
    found[i] === undefined ? [{ task, model, rows, reason: 'no such task' }] : [],
  )
}

async function joinTask(
  name: string,
  operands: readonly RunOperand[],
  scores: readonly TaskScores[],
  common: boolean,
): Promise<{ scores: TaskScores[]; left: LeftRows[] }> {
  const [first] = operands
  const other = operands.find((one) => taskOf(one, name).hash !== taskOf(first!, name).hash)
  const unlike = other === undefined ? new Set<string>() : await unlikeRows(name, operands)
  const byId = scores.map(({ rows }) => new Map(rows.map((row) => [row.id, row])))
  const kept = scores[0]!.rows.flatMap(({ id }) =>
    !unlike.has(id) && byId.every((rows) => rows.has(id)) ? [id] : [],
  )
  const whole = scores.every(({ rows }) => rows.length === kept.length)
  if (!common && !whole) throw otherRows(name, operands, scores, unlike)
  return {
    scores: byId.map((rows) => ({ task: name, rows: kept.map((id): RowScores => rows.get(id)!) })),
    left: operands.flatMap(({ id }, i) => {
      const rows = scores[i]!.rows.length - kept.length
      const reason = unlike.size > 0 ? 'other rows or other candidates' : 'not scored for all models'
      return rows === 0 ? [] : [{ task: name, model: id, rows, reason }]
    }),
  }
}

/** Rows that have one id and different contents. */
async function unlikeRows(name: string, operands: readonly RunOperand[]): Promise<Set<string>> {
  const all = await Promise.all(operands.map(({ run, model }) => run.task(model.id, name)))
  const contents = all.map(({ test }) => new Map(test.map((row) => [row.id, contentOf(row)])))
  const unlike = new Set<string>()
  for (const [id, content] of contents[0]!)
    if (contents.some((rows) => rows.has(id) && rows.get(id) !== content)) unlike.add(id)
  return unlike
}

function contentOf({ query, candidates, positive, positives, grades }: Row): string {
  return JSON.stringify([
    query.key,
    candidates.map(({ key }) => key),
    positives ?? [positive],
    grades ?? null,
  ])
}

/**
 * A task as the operand's run describes it.
 * @throws BenchmarkError `benchmark/no-task`
 */
export function taskOf({ run }: RunOperand, name: string): RunTask {
  const found = run.tasks.find((task) => task.name === name)
  if (found !== undefined) return found
  throw new BenchmarkError('no-task', {
    message: `the run in ${run.path} has scores of ${name}, which is not among its tasks`,
    hint: 'The run is damaged: run bifocal eval again into another folder.',
  })
}

function otherTasks(
  name: string,
  lacking: readonly RunOperand[],
  operands: readonly RunOperand[],
): BenchmarkError {
  const has = operands.find((one) => !lacking.includes(one))
  return new BenchmarkError('other-tasks', {
    message: `${lacking.map(({ label }) => label).join(', ')}: not scored on ${name}, ${has?.label} was`,
    hint: 'Score all on the same tasks, or compare the tasks that all have with --common.',
  })
}

function otherRows(
  name: string,
  operands: readonly RunOperand[],
  scores: readonly TaskScores[],
  unlike: ReadonlySet<string>,
): BenchmarkError {
  const [first] = operands
  const tasks = operands.map((one) => taskOf(one, name))
  const samples = tasks.map(({ sample }) => sample)
  const seeds = new Set(operands.map(({ run }) => run.results.seed))
  if (samples.some((sample) => sample !== undefined && sample.drawn < sample.usable) && seeds.size > 1)
    return new BenchmarkError('other-sample', {
      message: `${name}: rows were drawn with the seeds ${[...seeds].join(' and ')}, so they are not the same`,
      hint: 'Draw both with one seed, or compare the rows of both with --common. Different draws: --unpaired.',
    })
  if (unlike.size > 0)
    return new BenchmarkError('other-candidates', {
      message:
        `${name}: ${unlike.size} rows have other contents than in the run of ${first?.label} ` +
        `(${firstOf([...unlike], 3)})`,
      hint: 'Score both on the same queries, candidates and answers, or compare equal rows with --common.',
    })
  const counts = operands.map(({ label }, i) => `${label} has ${scores[i]!.rows.length}`)
  return new BenchmarkError('other-rows', {
    message: `${name}: not all models were scored on the same rows (${counts.join(', ')})`,
    hint: 'Score them with the same limit, or compare the rows that all have with --common.',
  })
}
