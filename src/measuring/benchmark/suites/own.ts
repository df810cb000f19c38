/** @file Tasks of somebody's own files: pairs of any format, and folders in the layout of BEIR. */

import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { type BeirOptions, openBeir } from '../../../inputs/data/beir.ts'
import { type PairTaskKind, taskNamesOf, tasksOfPairs } from '../../../inputs/data/pair-tasks.ts'
import { openPairs } from '../../../inputs/data/pairs/open.ts'
import type { GivenPairs } from '../../../inputs/data/pairs/settings.ts'
import type { PairSource } from '../../../inputs/data/pairs/source.ts'
import { chanceOf, type Task } from '../../../inputs/data/task.ts'
import { openedTask } from './opened.ts'
import type { OpenTaskOptions, TaskProblem, TaskSource } from './suite.ts'

/** How files are read, and what is said of their task. */
export interface OwnTask extends Omit<GivenPairs, 'weight' | 'subsets'> {
  /** Default: what the files look like, see `likeliestKind`. */
  readonly kind?: PairTaskKind | null
  /** Of a folder in the layout of BEIR: the part of its relevance table. */
  readonly split?: string
  /** Whether models have seen such data in training; default `out`. */
  readonly domain?: 'in' | 'out'
  /** Averages that the task belongs to. */
  readonly averages?: readonly string[]
  /** The metric that decides, by its name in the table of metrics. */
  readonly metric?: string
}

export interface OwnOptions {
  /** Told how files were understood where nobody said it. */
  readonly warn?: (message: string) => void
  readonly signal?: AbortSignal
}

/** The tasks of a source: one, or two where pairs are retrieved both ways. */
export async function ownSources(given: OwnTask, { warn, signal }: OwnOptions = {}): Promise<TaskSource[]> {
  if (given.format == null && (await isBeir(given.path))) return [beirSource(given)]
  const { kind = null, domain: _domain, averages: _averages, metric: _metric, ...pairs } = given
  const source = await openPairs(pairs, { signal })
  const found = kind ?? likeliestKind(source)
  if (kind === null)
    warn?.(
      `${given.path} is read as ${found}; --kind, or kind in a task file, says it: classification, vqa or retrieval`,
    )
  const { name } = source
  if (found === 'classification' && source.rows > 0 && targetsOf(source).size === 1)
    warn?.(`${given.path} has one class: every answer is right, and the score says nothing`)
  await source.close()
  return taskNamesOf(name, found).map((task, index) => ({
    name: task,
    suite: 'own',
    open: (options) => openPart({ ...given, name }, found, index, options),
  }))
}

/** Whether a folder holds queries, a corpus and a table of relevance. */
export async function isBeir(path: string): Promise<boolean> {
  return isBeirLayout(await readdir(path).catch(() => []))
}

/** The same of the names in it. */
export function isBeirLayout(names: readonly string[]): boolean {
  return ['queries', 'corpus', 'qrels'].every((part) => names.some((name) => name.split('.')[0] === part))
}

/** Numbers of the different targets. */
function targetsOf(source: PairSource): Set<number> {
  return new Set(Array.from({ length: source.rows }, (_, row) => source.facts(row).target))
}

/**
 * Pictures whose targets are few texts, each of several pictures, are pictures of classes; anything
 * else is retrieval.
 */
function likeliestKind(source: PairSource): PairTaskKind {
  for (let row = 0; row < source.rows; row++) {
    const { pictures } = source.facts(row)
    if (pictures.query === 0 || pictures.target > 0) return 'retrieval'
  }
  return targetsOf(source).size * 2 <= source.rows ? 'classification' : 'retrieval'
}

async function openPart(
  { kind: _kind, domain, averages = [], metric, ...pairs }: OwnTask,
  kind: PairTaskKind,
  index: number,
  { limit, strict, signal }: OpenTaskOptions = {},
) {
  const source = await openPairs(pairs, { strict, signal })
  try {
    const { tasks, problems } = await tasksOfPairs(source, { kind, strict, signal })
    const task = tasks[index]!
    const { rows, reasons } = source.left
    const left = Array.from(
      { length: rows },
      (_, at): TaskProblem => ({
        dataset: task.name,
        row: `left ${at}`,
        kind: 'pair',
        message: reasons[at] ?? `${source.name}: another row that is no pair`,
      }),
    )
    const unread: TaskProblem[] = problems.map(({ row, error }) => ({
      dataset: task.name,
      row: String(row),
      kind: error.code,
      message: error.message,
    }))
    return openedTask({
      task: firstRows(said(task, { domain }), limit),
      averages,
      ...(metric !== undefined && { metric }),
      problems: [...left, ...unread],
      total: source.rows + source.left.rows,
      close: () => source.close(),
    })
  } catch (cause) {
    await source.close()
    throw cause
  }
}

/** The first rows of a task. Their candidates stay: among fewer the right one is found sooner. */
function firstRows(task: Task, limit?: number): Task {
  const test = task.test.slice(0, limit)
  return { ...task, test, chance: chanceOf(test) }
}

function said(task: Task, { domain = task.domain }: Pick<OwnTask, 'domain'>): Task {
  return { ...task, domain }
}

/** A folder in the layout of BEIR. Its documents have grades: nDCG@5, as MMEB-V2 has it. */
export function beirSource(given: OwnTask, averages: readonly string[] = given.averages ?? []): TaskSource {
  const { path, split, instruction, targetInstruction, domain, metric = 'ndcg5' } = given
  const name = given.name ?? basename(path)
  return {
    name,
    suite: 'own',
    async open({ limit, strict } = {}) {
      const options: BeirOptions = {
        strict,
        ...(split !== undefined && { split }),
        ...(typeof instruction === 'string' && { instruction }),
        ...(typeof targetInstruction === 'string' && { targetInstruction }),
      }
      const { task, problems, close } = await openBeir(path, name, options)
      return openedTask({
        task: firstRows(said(task, { domain }), limit),
        averages,
        metric,
        problems: problems.map(({ code, message }) => ({ dataset: name, row: null, kind: code, message })),
        total: task.test.length,
        close,
      })
    },
  }
}
