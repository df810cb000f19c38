/** @file Draws rows so that embedding fits into a given time. */

import type { KeyedItem } from '../../../inputs/data/item.ts'
import type { Task } from '../../../inputs/data/task.ts'
import type { Contestant } from './contestant.ts'
import { drawOrder, type OpenedTask, sampled, taskFor } from './opening.ts'
import { meanCost } from './plan.ts'

/** Rows of a task that are drawn whatever the budget: an interval of fewer says nothing. */
const LEAST = 10

/** Rows of each task, by its name. */
type Drawn = Readonly<Record<string, number>>

/** The tasks with so many rows each: the first ones of an order that the seed decides. */
export function drawn(opened: readonly OpenedTask[], rows: Drawn, seed: number): OpenedTask[] {
  return opened.map((task) => sampled(task, new Set(drawOrder(task, seed).slice(0, rows[task.name] ?? 0))))
}

/**
 * How many rows of each task fit: the same share of every task, and ten at least. The time is that
 * of embedding the items of the rows that are drawn, for all models, from nothing.
 * @param seconds of the budget
 */
export async function rowsWithin(
  seconds: number,
  opened: readonly OpenedTask[],
  contestants: readonly Contestant[],
  seed: number,
): Promise<{ rows: Drawn; seconds: number }> {
  const costs: number[] = []
  for (const contestant of contestants) {
    const cost = await meanCost(contestant, distinctItems(opened, contestant))
    costs.push(cost?.seconds ?? 0)
  }
  const of = (share: number) => {
    const rows = Object.fromEntries(
      opened.map(({ name, open }) => {
        const { length } = open.task.test
        return [name, Math.min(length, Math.max(LEAST, Math.floor(share * length)))]
      }),
    )
    const tasks = drawn(opened, rows, seed)
    const time = contestants.reduce(
      (sum, contestant, i) => sum + costs[i]! * distinctItems(tasks, contestant).length,
      0,
    )
    return { rows, seconds: time }
  }
  const whole = of(1)
  if (whole.seconds <= seconds) return whole
  let [low, high] = [0, 1]
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2
    if (of(middle).seconds <= seconds) low = middle
    else high = middle
  }
  return of(low)
}

/** All items that a contestant is scored on, each once. */
export function distinctItems(opened: readonly OpenedTask[], contestant: Contestant): KeyedItem[] {
  return distinct(opened.flatMap((task) => taskFor(task, contestant) ?? []))
}

/** All items of the tasks as they are, each once: the order of vectors that were made elsewhere. */
export function plainItems(opened: readonly OpenedTask[]): KeyedItem[] {
  return distinct(opened.map(({ open }) => open.task))
}

function distinct(tasks: readonly Task[]): KeyedItem[] {
  const found = new Map<string, KeyedItem>()
  for (const { test } of tasks)
    for (const { query, candidates } of test)
      for (const item of [query, ...candidates]) if (!found.has(item.key)) found.set(item.key, item)
  return [...found.values()]
}
