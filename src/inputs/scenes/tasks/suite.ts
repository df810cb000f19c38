/** @file The embedded suite: the ladder of specs/twins.md §2 for any world. */

import { UsageError } from '../../../foundation/numeric/errors.ts'
import { type KeyedItem, keyed } from '../../data/item.ts'
import type { MetaTask, Task } from '../../data/task.ts'
import { Drawing } from '../drawing.ts'
import type { Sheets } from '../sheets.ts'
import type { World } from '../world.ts'
import { assemble } from './assemble.ts'
import { compositionPlans } from './compositions.ts'
import { objectPlans } from './objects.ts'
import { type Limits, QUICK_LIMITS, type SceneItem } from './task.ts'

export { COMPLETE_LIMITS, QUICK_LIMITS } from './task.ts'

const META_ORDER: readonly MetaTask[] = ['classification', 'vqa', 'retrieval']
/** In-domain tasks come first in each kind, as in the report's table. */
const ordered = META_ORDER.flatMap((metaTask) => {
  const own = [...objectPlans, ...compositionPlans].filter((plan) => plan.metaTask === metaTask)
  return [...own.filter((plan) => plan.shift === 'in'), ...own.filter((plan) => plan.shift !== 'in')]
})

/** Names of all embedded tasks, in the order of the report. */
export const TASK_NAMES: readonly string[] = ordered.map((plan) => plan.name)

export interface TaskChoice {
  /** Default: all, in the order of the report. */
  tasks?: readonly string[]
  /** Default: `QUICK_LIMITS`. */
  limits?: Partial<Limits>
}

/**
 * Makes the tasks of a world, the same ones every time. Pictures are drawn when they are read.
 * @throws UsageError `usage/task-unknown`
 */
export function buildTasks(
  world: World,
  sheets: Sheets,
  { tasks = TASK_NAMES, limits = {} }: TaskChoice = {},
): Task[] {
  const unknown = tasks.filter((name) => !TASK_NAMES.includes(name))
  if (unknown.length > 0) {
    throw new UsageError('task-unknown', {
      message: `no embedded task is called ${unknown.join(', ')}`,
      hint: `The tasks are: ${TASK_NAMES.join(', ')}.`,
    })
  }
  const options = { limits: { ...QUICK_LIMITS, ...limits }, itemOf: itemMaker(sheets) }
  return ordered.filter((plan) => tasks.includes(plan.name)).map((plan) => assemble(plan, world, options))
}

/** Scenes as items: equal ones become one object. */
function itemMaker(sheets: Sheets): (item: SceneItem) => KeyedItem {
  const made = new Map<SceneItem, KeyedItem>()
  const byKey = new Map<string, KeyedItem>()
  return (scene) => {
    const known = made.get(scene)
    if (known !== undefined) return known
    const { instruction, text, image } = scene
    const item = keyed({ instruction, text, image: image && new Drawing(image, sheets) })
    const first = byKey.get(item.key) ?? item
    byKey.set(item.key, first)
    made.set(scene, first)
    return first
  }
}
