/** @file The tasks, training pairs and analysis pairs of a study: the same for every model. */

import { shippedData } from '../../foundation/files/shipped.ts'
import { pairsOf, type Task } from '../../inputs/data/task.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { buildTasks } from '../../inputs/scenes/tasks/suite.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { type CaptionedImage, captionedImages } from '../analysis/embedded-pairs.ts'
import { StudyError } from './errors.ts'
import type { StudySetting } from './options.ts'
import type { TrainingRows } from './tuning.ts'

export interface StudyWorld {
  readonly name: string
  readonly tasks: readonly Task[]
  readonly training: readonly TrainingRows[]
  /** Captions are distinct, from contents that no training shows. */
  readonly pairs: readonly CaptionedImage[]
}

/** Retrieval has harder targets than naming: it gets a larger share. @see specs/twins.md §3.3 */
const WEIGHT = { classification: 1, vqa: 1, retrieval: 1.5, grounding: 1 } as const

/**
 * @throws UsageError `usage/task-unknown`; FileError `file/no-twins`; ScenesError for damaged data
 */
export async function studyWorld({
  tasks: names,
  limits,
  dev,
  pairs,
  seed,
  tune,
}: StudySetting): Promise<StudyWorld> {
  const data = shippedData()
  const world = await loadWorld(data, 'small')
  const sheets = await loadSheets(data, [...world.training, ...world.heldOut])
  const built = buildTasks(world, sheets, { tasks: names, limits: { ...limits, dev: dev.rows } })
  if (tune && built.every(({ train }) => train.length === 0)) {
    throw new StudyError('no-pairs', {
      message: `none of the tasks ${names?.join(', ')} has training rows`,
      hint: 'Name an in-domain task too, from whose rows models learn, or score models as they are with --no-tune.',
    })
  }
  const tasks = built.map((task) => ({
    ...task,
    dev: task.dev.map((row) => ({ ...row, candidates: row.candidates.slice(0, dev.candidates) })),
  }))
  const training = tasks
    .filter(({ train }) => train.length > 0)
    .map(({ name, metaTask, train }) => ({ name, weight: WEIGHT[metaTask], pairs: pairsOf(train) }))
  return {
    name: world.name,
    tasks,
    training,
    pairs: captionedImages({ world, sheets }, { seed, count: pairs }),
  }
}
