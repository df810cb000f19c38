/** @file Tasks that a YAML or JSON file describes: where the data lies, and what is asked of it. */

import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { readConfigFile } from '../../../foundation/files/config-file.ts'
import { checkSettings, type SettingPath } from '../../../foundation/files/settings.ts'
import { UsageError } from '../../../foundation/numeric/errors.ts'
import { PAIR_TASKS } from '../../../inputs/data/pair-tasks.ts'
import { dataSettings } from '../../../inputs/data/pairs/settings.ts'
import { metricLabels } from '../metrics.ts'
import { type OwnOptions, ownSources } from './own.ts'
import type { TaskSource } from './suite.ts'

const metrics = metricLabels().map(({ name }) => name)

/** One task. Its files are described as sources of `tune` are. */
const taskSchema = dataSettings.omit({ weight: true, subsets: true }).extend({
  kind: z.enum(PAIR_TASKS).nullable().default(null),
  domain: z.enum(['in', 'out']).optional(),
  averages: z.array(z.string().min(1)).optional(),
  metric: z
    .string()
    .refine((name) => metrics.includes(name), { error: `expected one of ${metrics.join(', ')}` })
    .optional(),
})

const fileSchema = z.strictObject({ tasks: z.array(taskSchema).min(1) })

/**
 * The tasks of a file: `tasks: [...]`, or the keys of one task at the top. Paths count from the
 * file.
 * @throws UsageError `usage/config` naming file, line and key; as `ownSources`
 */
export async function taskFileSources(path: string, options: OwnOptions): Promise<TaskSource[]> {
  const file = await readConfigFile(path)
  const isList = Object.hasOwn(file.value, 'tasks')
  const given = isList ? file.value : { tasks: [file.value] }
  const where = (key: SettingPath) => `${path}, line ${file.lineOf(isList ? key : key.slice(2))}`
  const checked = checkSettings(fileSchema, given, where)
  if ('problems' in checked)
    throw new UsageError('config', {
      message: checked.problems,
      hint: checked.hint.replace('docs/tuning.md', 'docs/evaluation.md'),
    })
  const from = (own: string) => resolve(dirname(path), own)
  const sources: TaskSource[] = []
  for (const { images, ...task } of checked.settings.tasks)
    sources.push(
      ...(await ownSources(
        { ...task, path: from(task.path), images: images === null ? null : from(images) },
        options,
      )),
    )
  return sources
}
