/** @file An open task of any suite: rows whose items could not be embedded are left out whole. */

import type { KeyedItem } from '../../../inputs/data/item.ts'
import { chanceOf, type Row } from '../../../inputs/data/task.ts'
import type { ItemFailure, OpenTask, TaskProblem } from './suite.ts'

/** Everything of an open task but the rule for rows that are left out. */
export interface OpenedParts extends Omit<OpenTask, 'without'> {
  /** Path of an item's picture, for the report. */
  pathOf?(item: KeyedItem): string | undefined
  /** The kind of a failure in reports; default: its code. */
  kindOf?(failure: ItemFailure): string
}

/** Makes an open task of its parts. */
export function openedTask(parts: OpenedParts): OpenTask {
  const { pathOf: _pathOf, kindOf: _kindOf, ...open } = parts
  return {
    ...open,
    without(failures) {
      if (failures.size === 0) return openedTask(parts)
      const found = parts.task.test.map((row) => ({ row, problems: problemsOf(parts, row, failures) }))
      const test = found.flatMap(({ row, problems }) => (problems.length === 0 ? [row] : []))
      return openedTask({
        ...parts,
        task: { ...parts.task, test, chance: chanceOf(test) },
        problems: [...parts.problems, ...found.flatMap(({ problems }) => problems)],
      })
    },
  }
}

function problemsOf(
  { task, pathOf, kindOf = ({ code }) => code }: OpenedParts,
  { id, query, candidates }: Row,
  failures: ReadonlyMap<string, ItemFailure>,
): TaskProblem[] {
  const told = (item: KeyedItem, at: Pick<TaskProblem, 'side' | 'candidate'>): TaskProblem[] => {
    const failure = failures.get(item.key)
    if (failure === undefined) return []
    const path = pathOf?.(item)
    const place = `${task.name}, row ${id}, ${at.side}${at.candidate === undefined ? '' : ` ${at.candidate}`}`
    return [
      {
        dataset: task.name,
        row: id,
        ...at,
        ...(path !== undefined && { path }),
        kind: kindOf(failure),
        message: `${place}: ${failure.message}`,
      },
    ]
  }
  return [
    ...told(query, { side: 'query' }),
    ...candidates.flatMap((item, candidate) => told(item, { side: 'candidate', candidate })),
  ]
}
