/** @file The tasks that are shipped with the package, in the small world or the full one. */

import { shippedData } from '../../../foundation/files/shipped.ts'
import type { Task } from '../../../inputs/data/task.ts'
import { loadSheets, type Sheets } from '../../../inputs/scenes/sheets.ts'
import { buildTasks, COMPLETE_LIMITS, TASK_NAMES } from '../../../inputs/scenes/tasks/suite.ts'
import { loadWorld, type World, type WorldName } from '../../../inputs/scenes/world.ts'
import { openedTask } from './opened.ts'
import type { TaskSource } from './suite.ts'

/** Names of all shipped tasks. */
export const EMBEDDED_TASKS = TASK_NAMES

/**
 * Shipped tasks by name.
 * @param world `small` is what the shipped twins know
 * @param names default: all
 */
export function embeddedSources(world: WorldName, names: readonly string[] = TASK_NAMES): TaskSource[] {
  // Drawings are decoded once for all tasks, when the first one is opened.
  let loaded: Promise<Loaded> | undefined
  return names.map((name) => ({
    name,
    suite: 'embedded',
    async open({ limit } = {}) {
      loaded ??= loadAll(world)
      const [task] = tasksOf(await loaded, [name]).map((task) => ({
        ...task,
        train: [],
        test: task.test.slice(0, limit),
      }))
      return openedTask({
        task: task!,
        averages: [],
        problems: [],
        total: task!.test.length,
        close: async () => {},
      })
    },
  }))
}

interface Loaded {
  readonly world: World
  readonly sheets: Sheets
}

async function loadAll(name: WorldName): Promise<Loaded> {
  const data = shippedData()
  const world = await loadWorld(data, name)
  return { world, sheets: await loadSheets(data, [...world.training, ...world.heldOut]) }
}

function tasksOf({ world, sheets }: Loaded, tasks: readonly string[]): Task[] {
  return buildTasks(world, sheets, { tasks, limits: { ...COMPLETE_LIMITS, train: 0, dev: 0 } })
}
