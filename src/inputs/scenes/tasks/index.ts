/** @file The embedded suite: the ladder of specs/twins.md §2 for any world. */

import { UsageError } from '../../../foundation/numeric/errors.ts'
import type { World } from '../world.ts'
import { assemble } from './assemble.ts'
import { compositionPlans } from './compositions.ts'
import { objectPlans } from './objects.ts'
import { type EmbeddedTask, type Limits, type MetaTask, QUICK_LIMITS } from './task.ts'

export {
  COMPLETE_LIMITS,
  type EmbeddedTask,
  type Item,
  type Limits,
  type MetaTask,
  QUICK_LIMITS,
  type Row,
  type Rung,
} from './task.ts'

const META_ORDER: readonly MetaTask[] = ['classification', 'vqa', 'retrieval']
/** In-domain tasks come first in each kind, as in the report's table. */
const ordered = META_ORDER.flatMap((metaTask) => {
  const own = [...objectPlans, ...compositionPlans].filter((plan) => plan.metaTask === metaTask)
  return [...own.filter((plan) => plan.rung === 'in'), ...own.filter((plan) => plan.rung !== 'in')]
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
 * The tasks of a world: deterministic, pictures as descriptions.
 * @throws UsageError `usage/task-unknown`
 */
export function buildTasks(
  world: World,
  { tasks = TASK_NAMES, limits = {} }: TaskChoice = {},
): EmbeddedTask[] {
  const unknown = tasks.filter((name) => !TASK_NAMES.includes(name))
  if (unknown.length > 0) {
    throw new UsageError('task-unknown', {
      message: `no embedded task is called ${unknown.join(', ')}`,
      hint: `The tasks are: ${TASK_NAMES.join(', ')}.`,
    })
  }
  return ordered
    .filter((plan) => tasks.includes(plan.name))
    .map((plan) => assemble(plan, world, { ...QUICK_LIMITS, ...limits }))
}
