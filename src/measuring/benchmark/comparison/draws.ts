/** @file Runs that drew their rows apart: the tasks that all have, with the rows of each. */

import { BenchmarkError } from '../errors.ts'
import type { RunTask } from '../run/files.ts'
import { type JoinedRuns, type JoinedTask, lackingTask, taskNames, taskOf } from './join.ts'
import type { RunOperand } from './operands.ts'

export interface Draws extends JoinedRuns {
  /** Sizes of pools that are not the same for all operands, in words. */
  readonly notes: readonly string[]
}

/**
 * Every task that all operands were scored on, with the rows of each operand as they are.
 * @throws BenchmarkError `benchmark/other-tasks`; `benchmark/other-candidates` where every query of
 *   one model had more candidates than any of another; FileError
 */
export async function drawsOf(operands: readonly RunOperand[]): Promise<Draws> {
  const all = await Promise.all(operands.map(({ run, model }) => run.scores(model.id)))
  const [tasks, left, notes]: [JoinedTask[], Draws['left'][number][], string[]] = [[], [], []]
  for (const name of taskNames(all)) {
    const found = all.map((scores) => scores.tasks.find(({ task }) => task === name))
    const scores = found.flatMap((one) => one ?? [])
    if (scores.length < operands.length) {
      left.push(...lackingTask(name, operands, found))
      continue
    }
    tasks.push({ task: taskOf(operands[0]!, name), scores })
    notes.push(...pools(name, operands))
  }
  if (tasks.length > 0) return { tasks, left, notes }
  throw new BenchmarkError('other-tasks', {
    message: `${operands.map(({ label }) => label).join(' and ')} have no task in common`,
    hint: 'Score them on the same tasks.',
  })
}

/** A note for each operand whose lists of candidates are not as long as the first one's. */
function pools(name: string, operands: readonly RunOperand[]): string[] {
  const [first, ...others] = operands.map((one) => ({ one, ...taskOf(one, name).candidates }))
  return others.flatMap((other) => {
    if (first === undefined || (first.least === other.least && first.most === other.most)) return []
    const sizes =
      `${first.one.label} chose among ${sizeOf(first)} candidates, ` +
      `${other.one.label} among ${sizeOf(other)}`
    if (first.most < other.least || other.most < first.least)
      throw new BenchmarkError('other-candidates', {
        message: `${name}: ${sizes}`,
        hint: 'The right one is easier to find among fewer. Score both with pools of one size.',
      })
    return [`${name}: ${sizes}; the right one is easier to find among fewer`]
  })
}

function sizeOf({ least, most }: RunTask['candidates']): string {
  const [low, high] = [least.toLocaleString('en'), most.toLocaleString('en')]
  return least === most ? low : `${low} to ${high}`
}
