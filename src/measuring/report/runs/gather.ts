/** @file Models and tasks of several runs under names that no two share. */

import { basename, resolve } from 'node:path'
import type { ModelScores, TaskScores } from '../../benchmark/evaluate.ts'
import type { EvalRun } from '../../benchmark/run/eval-run.ts'
import type { RunModel, RunTask, ShownTask } from '../../benchmark/run/files.ts'
import type { Results, ResultsModel } from '../results.ts'

/** A model of one of the runs. */
export interface GatheredModel {
  readonly run: EvalRun
  /** Its id in that run. */
  readonly own: string
  readonly isBaseline: boolean
  readonly shown: ResultsModel
  /** By the names of the gathered tasks, in their order. */
  readonly scores: ModelScores
}

/** A task that at least one of the runs measured. */
export interface GatheredTask {
  readonly run: EvalRun
  /** Its name in that run. */
  readonly own: string
  readonly signs: RunTask
  readonly shown: Results['tasks'][number]
  /** Texts and small pictures of its rows. */
  rows(): Promise<ShownTask>
}

export interface Gathered {
  readonly models: readonly GatheredModel[]
  readonly tasks: readonly GatheredTask[]
  readonly notes: readonly string[]
}

/** Tasks of one name are one task where their rows are the same. */
export async function gathered(runs: readonly EvalRun[]): Promise<Gathered> {
  const tasks: GatheredTask[] = []
  const notes: string[] = []
  const models: GatheredModel[] = []
  const [ids, labels] = [new Set<string>(), new Set<string>()]
  for (const run of runs) {
    const folder = basename(resolve(run.path))
    const names = new Map<string, string>()
    for (const signs of run.tasks) {
      const same = tasks.find((task) => task.own === signs.name && task.signs.hash === signs.hash)
      const name =
        same?.shown.name ?? unique(signs.name, folder, new Set(tasks.map(({ shown }) => shown.name)))
      names.set(signs.name, name)
      if (same !== undefined) continue
      if (name !== signs.name)
        notes.push(
          `${signs.name} has other rows in ${folder} than in another run: there it is called ${name}.`,
        )
      tasks.push({
        run,
        own: signs.name,
        signs,
        shown: taskRow(signs, name),
        rows: () => run.shown(signs.name),
      })
    }
    for (const model of run.models) {
      const id = unique(model.id, folder, ids)
      const label = unique(model.label, folder, labels)
      ids.add(id)
      labels.add(label)
      const scores = await run.scores(model.id)
      models.push({
        run,
        own: model.id,
        isBaseline: model.role === 'baseline',
        shown: modelRow(model, id, label),
        scores: { model: id, tasks: renamed(scores.tasks, names) },
      })
    }
    notes.push(...notesOf(run))
  }
  return { models, tasks, notes }
}

function unique(name: string, folder: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name
  const base = `${name} (${folder})`
  for (let count = 2, made = base; ; count++, made = `${base} ${count}`) if (!taken.has(made)) return made
}

function renamed(tasks: readonly TaskScores[], names: ReadonlyMap<string, string>): TaskScores[] {
  return tasks.map(({ task, rows }) => ({ task: names.get(task) ?? task, rows }))
}

function modelRow(model: RunModel, id: string, label: string): ResultsModel {
  const { role, family, objective, attention, readout, fingerprint, parameters } = model
  return {
    id,
    label,
    role: role === 'model' ? 'checkpoint' : objective === 'contrastive' ? 'dual-encoder' : 'baseline',
    state: 'none',
    family,
    objective,
    attention,
    hash: fingerprint !== null && /^[0-9a-f]{8,64}$/.test(fingerprint) ? fingerprint : null,
    parameters,
    readout,
  }
}

function taskRow(signs: RunTask, name: string): Results['tasks'][number] {
  const { metaTask, shift, reason, queries, candidates, chance, majority } = signs
  return {
    name,
    metaTask,
    shift,
    reason,
    queries,
    candidates: candidates.most,
    ...(candidates.least < candidates.most && { leastCandidates: candidates.least }),
    chance,
    majority,
  }
}

/** Rows that are not in the scores, and why. */
function notesOf({ tasks, results }: EvalRun): string[] {
  const left = tasks.flatMap(({ name, left, sample }) => [
    ...(left === 0
      ? []
      : [`${name}: ${rowsWords(left)} left out, because an item could not be read or embedded.`]),
    ...(sample === undefined
      ? []
      : [`${name}: ${sample.drawn} of ${sample.usable} rows were drawn; its intervals are wider for it.`]),
  ])
  const means = results.publishedMeans.map(({ mean, ...one }) => ({ task: mean, ...one }))
  const published = [...results.published, ...means].map(
    ({ model, task, metric, score, source }) =>
      `${task}: ${(100 * score).toFixed(1)} % ${metric} was published for ${model} (${source}).`,
  )
  return [...left, ...published]
}

function rowsWords(count: number): string {
  return count === 1 ? '1 row was' : `${count} rows were`
}
