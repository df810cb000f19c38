/**
 * @file Runs of earlier results, for models whose weights are not there. They count only where
 * nothing but the weights could differ: the same tasks, the same settings, one set of weights for
 * each model.
 */

import { readJson } from '../../../foundation/files/file.ts'
import { StudyError } from '../errors.ts'
import { type PaperRecord, valuesOf } from './record.ts'
import { measuredSchema, type PaperMeasured, type PaperSettings, type PaperTask } from './results.ts'

/** A `paper.json` of earlier. */
export interface EarlierResults extends PaperMeasured {
  readonly path: string
}

/**
 * Reads earlier results, and checks that their settings are those of this study.
 * @throws StudyError `study/other-record`; FileError `file/missing`, `file/json`, `file/schema`
 */
export async function earlierResults(
  paths: readonly string[],
  settings: PaperSettings,
): Promise<EarlierResults[]> {
  const found = await Promise.all(
    paths.map(async (path) => ({ path, ...(await readJson(path, measuredSchema)) })),
  )
  for (const { path, command, settings: theirs } of found) {
    const names = [...new Set([...Object.keys(settings), ...Object.keys(theirs)])]
    const different = names.filter((name) => settings[name] !== theirs[name])
    if (different.length > 0) {
      const words = different.map((name) => `${name} is ${said(theirs[name])}, here ${said(settings[name])}`)
      throw otherRecord(path, command, words)
    }
  }
  return found
}

const said = (value: PaperSettings[string] | undefined) => (value === undefined ? 'absent' : `${value}`)

function otherRecord(path: string, command: string, different: readonly string[]): StudyError {
  return new StudyError('other-record', {
    message: `${path} has runs of another study: ${different.join('; ')}`,
    hint: `Leave the file out, or run this study with its settings: ${command}`,
  })
}

/**
 * The runs to take from earlier results, by id.
 * @param tasks  of this study
 * @param wanted ids of runs whose weights are not there
 * @throws StudyError `study/other-record` for other tasks, `study/two-records` for two records of
 *   one run, or of one model, that differ
 */
export function recordedRuns(
  files: readonly EarlierResults[],
  tasks: readonly PaperTask[],
  wanted: ReadonlySet<string>,
): Map<string, PaperRecord> {
  for (const file of files) {
    const different = [...differentTasks(file.tasks, tasks), ...unscored(file)]
    if (different.length > 0) throw otherRecord(file.path, file.command, different)
  }
  const runs = files.flatMap((file) =>
    file.runs.flatMap(({ recorded: _, ...record }) =>
      wanted.has(record.id) ? [{ record, path: file.path }] : [],
    ),
  )
  const byRun = new Map<string, (typeof runs)[number]>()
  const byModel = new Map<string, (typeof runs)[number]>()
  for (const run of runs) {
    const same = byRun.get(run.record.id)
    if (same !== undefined && JSON.stringify(same.record) !== JSON.stringify(run.record))
      throw twoRecords(same, run)
    byRun.set(run.record.id, run)
    const model = byModel.get(modelOf(run.record))
    if (model !== undefined && model.record.model !== run.record.model) throw twoRecords(model, run)
    byModel.set(modelOf(run.record), run)
  }
  return new Map([...byRun].map(([id, { record }]) => [id, record]))
}

/** Runs that share it were tuned from one set of weights, read in one way. */
function modelOf({ arm, pretraining, mask, condition }: PaperRecord): string {
  return [arm, pretraining, mask, condition === 'aligned-first'].join(' ')
}

function differentTasks(theirs: readonly PaperTask[], own: readonly PaperTask[]): string[] {
  const [named, here] = [theirs, own].map((tasks) => tasks.map(({ name }) => name).join(', '))
  if (named !== here) return [`its tasks are ${named}, here ${here}`]
  return own.flatMap(({ name, metaTask, domain, clusters }, i) => {
    const task = theirs[i]!
    if (task.clusters.length !== clusters.length)
      return [`${name} has ${task.clusters.length} rows, here ${clusters.length}`]
    const same =
      task.metaTask === metaTask &&
      task.domain === domain &&
      task.clusters.every((cluster, row) => cluster === clusters[row])
    return same ? [] : [`the rows of ${name} are others`]
  })
}

/** Runs that lack a row of a task: nobody wrote them so. */
function unscored({ tasks, runs }: PaperMeasured): string[] {
  return runs.flatMap(({ id, untuned, tuned }) =>
    [untuned, tuned]
      .flatMap(({ hits, remedies }) => [hits, ...Object.values(remedies)])
      .flatMap((hits) =>
        tasks.flatMap(({ name, clusters }) => {
          const rows = hits[name] === undefined ? 0 : valuesOf(hits[name]).length
          return rows === clusters.length ? [] : [`${id} has ${rows} rows of ${name}`]
        }),
      ),
  )
}

interface Placed {
  readonly record: PaperRecord
  readonly path: string
}

function twoRecords(a: Placed, b: Placed): StudyError {
  const place = ({ record, path }: Placed) => `${record.id} in ${path}, of weights ${record.model}`
  return new StudyError('two-records', {
    message: `two records differ that should be of one model: ${place(a)}; ${place(b)}`,
    hint: 'Leave one of the files out, or give the weights (--weights): runs with weights are made.',
  })
}
