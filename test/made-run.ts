/**
 * @file A made-up run of two models on two tasks, written in a moment: for tests of everything that
 * reads runs. Its vectors, rows and scores fit together.
 */

import { join } from 'node:path'
import { stream } from '../src/foundation/numeric/random.ts'
import { type KeyedItem, keyed, type Picture } from '../src/inputs/data/item.ts'
import type { MetaTask, Task } from '../src/inputs/data/task.ts'
import { Thumbnails } from '../src/inputs/data/thumbnails.ts'
import { evaluateTask } from '../src/measuring/benchmark/evaluate.ts'
import { metricLabels } from '../src/measuring/benchmark/metrics.ts'
import { RUN_VERSION, type RunModel, runFiles, sha256 } from '../src/measuring/benchmark/run/files.ts'
import { rowsHash, rowsOf } from '../src/measuring/benchmark/run/rows.ts'
import { RunWriter } from '../src/measuring/benchmark/run/writer.ts'
import { meanOver, summariseTask } from '../src/measuring/benchmark/summary.ts'
import { majorityOf } from '../src/measuring/benchmark/task.ts'
import { VectorFolder } from '../src/models/embedder/vectors/folder.ts'

export interface MadeRunOptions {
  /** Id of each model → share of the queries that it finds; default two models. */
  models?: Readonly<Record<string, number>>
  /** Name of each task → its kind; default two tasks. */
  tasks?: Readonly<Record<string, MetaTask>>
  /** Queries of each task; default 12. */
  rows?: number
  /** Queries that share a picture; default 2. */
  sharing?: number
  /** Of the vectors; default 1. */
  seed?: number
}

/** Words that candidates are called by. */
const WORDS = ['cat', 'dog', 'key', 'bus', 'cup', 'owl']

/** A picture of one shade, with a mark that differs. */
function picture(number: number): Picture {
  const side = 16
  return {
    key: `made picture ${number}`,
    read: () => ({
      width: side,
      height: side,
      data: Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * (number + 1) * 7) % 256),
    }),
  }
}

/** Queries are pictures with an instruction, candidates are words; any of them may be right. */
function taskOf(name: string, metaTask: MetaTask, { rows = 12, sharing = 2 }: MadeRunOptions): Task {
  const candidates = WORDS.map((word) => keyed({ text: `${name}: ${word}` }))
  return {
    name,
    metaTask,
    domain: 'out',
    shift: 'own',
    reason: 'made for a test',
    chance: 1 / WORDS.length,
    train: [],
    dev: [],
    test: Array.from({ length: rows }, (_, i) => {
      const image = picture(Math.floor(i / sharing))
      return {
        id: `row ${i}`,
        query: keyed({ instruction: `Name the thing in ${name}`, text: `number ${i}`, image }),
        candidates,
        positive: (i + 1) % WORDS.length,
        cluster: image.key,
      }
    }),
  }
}

/** Writes a whole run into a folder. @returns the ids of its models and the names of its tasks */
export async function writeMadeRun(
  path: string,
  options: MadeRunOptions = {},
): Promise<{ models: string[]; tasks: Task[] }> {
  const { models = { good: 0.8, poor: 0.4 }, seed = 1 } = options
  const kinds = options.tasks ?? { naming: 'classification', asking: 'vqa' }
  const tasks = Object.entries(kinds).map(([name, kind]) => taskOf(name, kind, options))
  const writer = new RunWriter(path)
  const bootstrap = { seed: 7, resamples: 200 }
  const command = 'bifocal eval good poor --tasks made'
  const runModels: RunModel[] = Object.keys(models).map((id) => ({
    id,
    label: `The ${id} model`,
    role: 'model',
    family: null,
    objective: id === 'good' ? 'diffusion' : 'autoregressive',
    attention: id === 'good' ? 'bidirectional' : 'causal',
    readout: 'last layer, mean over tokens',
    readouts: ['vector'],
    fingerprint: sha256(`made ${id} ${seed}`),
    parameters: 1000,
  }))
  const runTasks = tasks.map((task) => ({
    name: task.name,
    suite: 'own' as const,
    metaTask: task.metaTask,
    domain: task.domain,
    shift: task.shift,
    reason: task.reason,
    chance: task.chance,
    majority: majorityOf(task),
    queries: task.test.length,
    candidates: { least: WORDS.length, most: WORDS.length },
    averages: [],
    metric: 'hit1',
    hash: rowsHash(rowsOf(task)),
    total: task.test.length,
    left: 0,
  }))
  await writer.setting({
    schemaVersion: RUN_VERSION,
    bifocal: '0.0.0',
    command,
    seed: 7,
    models: runModels.map(({ id, label, fingerprint }) => ({ id, label, fingerprint })),
    tasks: runTasks.map(({ name, hash }) => ({ name, hash })),
    limit: null,
    stray: 'drop',
    budget: null,
  })
  for (const task of tasks) await writer.rows(rowsOf(task))
  const scores = []
  for (const { id, fingerprint } of runModels) {
    const vectors = vectorsOf(tasks, models[id]!, `${seed} ${id}`)
    const folder = await VectorFolder.open(join(path, runFiles.vectors), {
      fingerprint: fingerprint ?? '',
      readouts: ['vector'],
    })
    await folder.put([...vectors].map(([key, vector]) => ({ key, vectors: [vector] })))
    const scored = await Promise.all(tasks.map((task) => evaluateTask(task, (key) => vectors.get(key)!)))
    for (const [i, { task, rows }] of scored.entries()) {
      const taskHash = runTasks[i]!.hash
      const address = sha256(JSON.stringify([fingerprint, taskHash]))
      await writer.scores({
        schemaVersion: RUN_VERSION,
        address,
        model: id,
        task,
        taskHash,
        further: [],
        rows: rows.map((row) => ({ ...row, metrics: { ...row.metrics } })),
      })
    }
    scores.push({ model: id, tasks: scored })
  }
  for (const task of tasks) await writer.shown(await shownOf(task))
  await writer.results({
    schemaVersion: RUN_VERSION,
    command,
    seed: 7,
    models: runModels,
    tasks: runTasks,
    metrics: metricLabels(),
    scores: scores.flatMap(({ model, tasks: all }) =>
      all.map((one) => {
        const { task, hit1, metrics } = summariseTask(one, bootstrap)
        return { model, task, hit1, headline: hit1, metrics: { ...metrics } }
      }),
    ),
    furtherScores: [],
    further: [],
    means: scores.flatMap((one) => {
      const hit1 = meanOver(one, { kind: 'all' }, tasks, bootstrap)
      const names = tasks.map(({ name }) => name)
      return hit1 === undefined
        ? []
        : [
            {
              model: one.model,
              name: 'all',
              label: 'all tasks',
              tasks: names,
              hit1,
              headline: hit1,
              metrics: {},
            },
          ]
    }),
    published: [],
    publishedMeans: [],
    problems: [],
  })
  await writer.record({
    schemaVersion: RUN_VERSION,
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:01:00.000Z',
    argv: ['bifocal', 'eval'],
    vectors: runModels.map(({ id }) => ({ model: id, items: 0, resumed: 0, computed: 0, seconds: 0 })),
    scored: { computed: scores.length * tasks.length, kept: 0 },
    machine: {},
    versions: {},
  })
  return { models: runModels.map(({ id }) => id), tasks }
}

/** Unit vectors: a query lies near its right candidate, or near the next one. */
function vectorsOf(tasks: readonly Task[], share: number, key: string): Map<string, Float32Array> {
  const random = stream(1, key)
  const vectors = new Map<string, Float32Array>()
  const near = (place: number) => {
    const vector = Float32Array.from(WORDS, (_, i) => Number(i === place) + 0.1 * random())
    const length = Math.hypot(...vector)
    return vector.map((value) => value / length)
  }
  for (const { test } of tasks)
    for (const { query, candidates, positive } of test) {
      for (const [i, candidate] of candidates.entries())
        if (!vectors.has(candidate.key)) vectors.set(candidate.key, near(i))
      vectors.set(query.key, near(random() < share ? positive : (positive + 1) % WORDS.length))
    }
  return vectors
}

async function shownOf(task: Task) {
  const pictures = new Thumbnails()
  const shown = ({ text, image = [] }: KeyedItem) => {
    const [first] = image
    return {
      ...(text !== undefined && { text }),
      ...(first !== undefined && { picture: pictures.indexOf(first) }),
    }
  }
  const rows = task.test.map(({ id, query, candidates, positive }) => ({
    id,
    key: query.key,
    query: shown(query),
    goldKey: candidates[positive]!.key,
    gold: shown(candidates[positive]!),
    candidates: candidates.flatMap((one, position) =>
      position === (positive + 1) % WORDS.length ? [{ position, key: one.key, shown: shown(one) }] : [],
    ),
  }))
  return {
    schemaVersion: RUN_VERSION,
    task: task.name,
    address: sha256(`shown ${task.name}`),
    taskHash: rowsHash(rowsOf(task)),
    instruction: task.test[0]?.query.instruction,
    pictures: await pictures.encode(),
    picturesLeft: 0,
    rows,
  } as const
}
