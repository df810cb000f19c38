/**
 * @file The files of a run. All of them but `run.json` hold nothing that varies between two runs
 * of one setting: no time, no machine, no path. So the same setting gives the same bytes.
 */

import { createHash } from 'node:crypto'
import { z } from 'zod'
import { META_TASKS } from '../../../inputs/data/task.ts'

/** The version that this code writes and reads. */
export const RUN_VERSION = 1

const name = z.string().min(1)
const count = z.int().nonnegative()
const share = z.number().min(0).max(1)
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const version = z.literal(RUN_VERSION)

/** A figure with its 95 % interval. */
const intervalSchema = z.strictObject({ value: z.number(), low: z.number(), high: z.number() })

const modelSchema = z.strictObject({
  /** Unique in the run; the name of its folder of scores is made of it. */
  id: name,
  /** For tables and charts; unique in the run. */
  label: name,
  role: z.enum(['model', 'baseline']),
  family: name.nullable(),
  objective: z.enum(['autoregressive', 'diffusion', 'contrastive', 'none']),
  attention: z.enum(['causal', 'bidirectional', 'block', 'none']),
  /** In words: "last layer, mean over tokens". */
  readout: name,
  /** Names of its stored vectors: `vector`, the one that is scored, then further ones. */
  readouts: z.array(name).min(1),
  /** The stored vectors lie under this hash of all that decides them; null: none are stored. */
  fingerprint: name.nullable(),
  parameters: count.nullable(),
})

const taskSchema = z.strictObject({
  name,
  suite: z.enum(['embedded', 'mmeb', 'own']),
  metaTask: z.enum(META_TASKS),
  domain: z.enum(['in', 'out']),
  shift: name,
  reason: name,
  /** hit@1 of a blind guess. */
  chance: share,
  /** hit@1 of the commonest answer; null where the notion has no meaning. */
  majority: share.nullable(),
  queries: count,
  candidates: z.strictObject({ least: count, most: count }),
  /** Published averages that it belongs to. */
  averages: z.array(name),
  /** The metric that is published for it. */
  metric: name,
  /** Of the rows that were scored: see `rowsHash`. */
  hash,
  /** Rows of the file; null where that is not known. */
  total: count.nullable(),
  /** Rows that were left out because of their items. */
  left: count,
  /** Rows that were drawn, where the run has a budget: of `usable` ones. */
  sample: z.strictObject({ drawn: count, usable: count }).optional(),
})

const problemSchema = z.strictObject({
  dataset: name,
  row: z.string().nullable(),
  side: z.enum(['query', 'candidate']).optional(),
  candidate: count.optional(),
  column: z.string().optional(),
  path: z.string().optional(),
  kind: name,
  message: name,
  /** Where only this model could not use the item. */
  model: name.optional(),
})

const labelled = z.array(z.strictObject({ name, label: name }))

export const resultsSchema = z.strictObject({
  schemaVersion: version,
  /** Reproduces this run. */
  command: z.string(),
  seed: z.int(),
  models: z.array(modelSchema),
  tasks: z.array(taskSchema),
  /** The table of metrics: names as in `scores`, words for axes. */
  metrics: labelled,
  /** Means over the task's queries. */
  scores: z.array(
    z.strictObject({
      model: name,
      task: name,
      hit1: intervalSchema,
      /** Of the metric that is published for the task; mostly that is hit@1 too. */
      headline: intervalSchema,
      metrics: z.record(name, share),
    }),
  ),
  /** Scores of a whole task: their names in `further`, words for axes. */
  furtherScores: labelled,
  further: z.array(z.strictObject({ model: name, task: name, score: name, interval: intervalSchema })),
  /** Plain means over tasks; absent for a model that was not scored on all of them. */
  means: z.array(
    z.strictObject({
      model: name,
      /** `CLS` … of MMEB, or `classification`, `in-domain`, `all` … */
      name,
      label: name,
      tasks: z.array(name).min(1),
      hit1: intervalSchema,
      /** Of the metrics that are published for the tasks. */
      headline: intervalSchema,
      metrics: z.record(name, share),
    }),
  ),
  /** Scores that others published for a model and a task of this run. */
  published: z.array(z.strictObject({ model: name, task: name, metric: name, score: share, source: name })),
  /** The same of a mean, where all datasets of the published one were measured. */
  publishedMeans: z.array(
    z.strictObject({ model: name, mean: name, metric: name, score: share, source: name }),
  ),
  problems: z.array(problemSchema),
})

/** The setting of a run: another setting needs another folder. */
export const settingSchema = z.strictObject({
  schemaVersion: version,
  /** Of the package: another one may compute otherwise. */
  bifocal: name,
  command: z.string(),
  seed: z.int(),
  models: z.array(z.strictObject({ id: name, label: name, fingerprint: name.nullable() })),
  /** With the hashes of their rows as they were read. */
  tasks: z.array(z.strictObject({ name, hash })),
  limit: count.nullable(),
  stray: name,
  /** Seconds that embedding may take, and the rows of each task that were drawn for it. */
  budget: z.strictObject({ seconds: z.number().positive(), rows: z.record(name, count) }).nullable(),
})

const rowScoresSchema = z.strictObject({
  id: z.string(),
  cluster: z.string(),
  hit1: share,
  metrics: z.record(name, share),
  apart: share.optional(),
  best: count,
  scoreGap: z.number(),
  predicted: z.string(),
  rank: z.number().min(1),
})

export const scoresSchema = z.strictObject({
  schemaVersion: version,
  /** Of the vectors' fingerprint and the task's rows: scores with another address are made anew. */
  address: hash,
  model: name,
  task: name,
  /** Hash of the rows: a file in `rows/` has this name. */
  taskHash: hash,
  further: z.array(z.strictObject({ score: name, interval: intervalSchema })),
  rows: z.array(rowScoresSchema),
})

/** The rows of a task by the keys of their items: enough to score stored vectors again. */
export const rowsSchema = z.strictObject({
  schemaVersion: version,
  task: name,
  /** Keys of all items. */
  items: z.array(name),
  /** Lists of candidates, as places in `items`; rows with a common pool share one. */
  lists: z.array(z.array(count)),
  rows: z.array(
    z.strictObject({
      id: z.string(),
      cluster: z.string(),
      /** Place in `items`. */
      query: count,
      /** Place in `lists`. */
      list: count,
      positive: count,
      positives: z.array(count).optional(),
      grades: z.array(z.number()).optional(),
      hard: count.optional(),
    }),
  ),
})

const shownSchema = z.strictObject({
  /** Without the instruction that all queries share. */
  text: z.string().optional(),
  /** Place in `pictures`. */
  picture: count.optional(),
})

export const shownTaskSchema = z.strictObject({
  schemaVersion: version,
  /** Of the rows, and of the candidates that some model predicted. */
  address: hash,
  task: name,
  taskHash: hash,
  /** Shared by all queries. */
  instruction: z.string().optional(),
  /** `data:image/webp;base64,…`, at most 96 px wide and high; each once. */
  pictures: z.array(z.string().startsWith('data:image/')),
  /** Pictures that are not among them, because there would be too many. */
  picturesLeft: count,
  rows: z.array(
    z.strictObject({
      id: z.string(),
      key: name,
      query: shownSchema,
      goldKey: name,
      gold: shownSchema,
      /** Those that some model predicted, the gold one left out. */
      candidates: z.array(z.strictObject({ position: count, key: name, shown: shownSchema })),
    }),
  ),
})

/** Facts that vary between two runs of one setting. */
export const recordSchema = z.strictObject({
  schemaVersion: version,
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  argv: z.array(z.string()),
  /** The folder of the vectors, where it is not `vectors` in the run. */
  store: name.optional(),
  /** Of each model: items that have a vector, of them taken from the store, and computed. */
  vectors: z.array(
    z.strictObject({ model: name, items: count, resumed: count, computed: count, seconds: z.number() }),
  ),
  /** Scores that were computed, and those that were kept. */
  scored: z.strictObject({ computed: count, kept: count }),
  machine: z.record(name, z.union([z.string(), z.number()])),
  versions: z.record(name, name),
})

export type RunModel = z.infer<typeof modelSchema>
export type RunTask = z.infer<typeof taskSchema>
export type RunProblem = z.infer<typeof problemSchema>
export type RunResults = z.infer<typeof resultsSchema>
export type RunSetting = z.infer<typeof settingSchema>
export type TaskScoresFile = z.infer<typeof scoresSchema>
export type TaskRows = z.infer<typeof rowsSchema>
export type ShownTask = z.infer<typeof shownTaskSchema>
export type Shown = z.infer<typeof shownSchema>
export type RunRecord = z.infer<typeof recordSchema>

/** Paths within the folder of a run. */
export const runFiles = {
  setting: 'eval.json',
  results: 'results.json',
  record: 'run.json',
  page: 'report.html',
  vectors: 'vectors',
  scores: (model: string, task: string) => `scores/${fileName(model)}/${fileName(task)}.json`,
  rows: (taskHash: string) => `rows/${taskHash}.json`,
  shown: (task: string) => `shown/${fileName(task)}.json`,
} as const

const LONGEST = 100

/** A name of a model or a task as the name of a file on any system. */
export function fileName(given: string): string {
  const safe = given.replaceAll(/[^\w.-]/gu, (letter) => encodeURIComponent(letter).replaceAll('*', '%2A'))
  const plain = safe.replace(/^\./, '%2E')
  if (plain.length <= LONGEST) return plain
  return `${plain.slice(0, LONGEST - 17)}-${sha256(given).slice(0, 16)}`
}

/** Hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
