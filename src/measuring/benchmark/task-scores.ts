/**
 * @file The table of scores that look at a whole task, not at one ranked list. A new one is a row
 * here.
 */

import type { Interval } from '../../foundation/numeric/bootstrap.ts'
import { meanOfShares } from '../../foundation/numeric/bounded.ts'
import { clusterAgreement, kMeans } from '../../foundation/numeric/clustering.ts'
import { normalQuantile } from '../../foundation/numeric/quantiles.ts'
import { stacked } from '../../foundation/numeric/rows.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Row, Task } from '../../inputs/data/task.ts'
import type { VectorOf } from '../../models/embedder/vectors/all.ts'
import { evaluateTask } from './evaluate.ts'

interface TaskScore {
  /** Words for tables and axes. */
  readonly label: string
  /** Whether the score says something about a task of this kind. */
  applies(task: Task): boolean
  /** In [0, 1], with its 95 % interval. */
  of(task: Task, vectorOf: VectorOf, seed: number): Promise<Interval>
}

/** By their names in results.json. */
const taskScores: Readonly<Record<string, TaskScore>> = {
  mixedPool: { label: 'hit@1, queries in the pool too', applies: isMixed, of: mixedPool },
  vMeasure: { label: 'V-measure of k-means', applies: hasClasses, of: vMeasure },
}

/** Names and words of all scores of tasks, in the order of the table. */
export function taskScoreLabels(): { name: string; label: string }[] {
  return Object.entries(taskScores).map(([name, { label }]) => ({ name, label }))
}

/** Every score that applies to the task. */
export async function scoreTask(
  task: Task,
  vectorOf: VectorOf,
  seed: number,
): Promise<{ score: string; interval: Interval }[]> {
  const made: { score: string; interval: Interval }[] = []
  for (const [score, { applies, of }] of Object.entries(taskScores))
    if (applies(task)) made.push({ score, interval: await of(task, vectorOf, seed) })
  return made
}

/** Comparisons of a pool, at most: larger pools would take longer than all other scores. */
const MOST_COMPARED = 4_000_000

/** Retrieval between pictures and texts: candidates are of the other kind than the queries. */
function isMixed({ metaTask, test }: Task): boolean {
  if (metaTask !== 'retrieval' || test.length < 2) return false
  const pictured = ({ image }: KeyedItem) => image !== undefined
  const compared = test.reduce((sum, { candidates }) => sum + candidates.length + test.length, 0)
  return (
    compared <= MOST_COMPARED &&
    test.every(({ query, candidates, positive }) => pictured(query) !== pictured(candidates[positive]!))
  )
}

/**
 * hit@1 where the other queries stand among the candidates: all candidates of both directions of a
 * retrieval. A model whose pictures lie near pictures, whatever they show, loses here.
 */
async function mixedPool(task: Task, vectorOf: VectorOf, seed: number): Promise<Interval> {
  const queries = [...new Map(task.test.map(({ query }) => [query.key, query])).values()]
  const test = task.test.map((row): Row => {
    const own = new Set([row.query.key, ...row.candidates.map(({ key }) => key)])
    return { ...row, candidates: [...row.candidates, ...queries.filter(({ key }) => !own.has(key))] }
  })
  const { rows } = await evaluateTask({ ...task, test }, vectorOf)
  const scored = { values: rows.map(({ hit1 }) => hit1), clusters: rows.map(({ cluster }) => cluster) }
  return meanOfShares([scored], { seed })
}

/** Queries of a class, on average, without which clusters mean nothing. */
const QUERIES_OF_A_CLASS = 5
/** Runs of k-means. */
const STARTS = 3

/** Classification with classes that come several times. */
function hasClasses(task: Task): boolean {
  const classes = new Set(labelsOf(task)).size
  return task.metaTask === 'classification' && classes > 1 && task.test.length >= QUERIES_OF_A_CLASS * classes
}

function labelsOf({ test }: Task): string[] {
  return test.map(({ candidates, positive }) => candidates[positive]!.key)
}

/**
 * How well clusters of the queries agree with their classes (Rosenberg & Hirschberg 2007), as MTEB
 * scores clustering: as many clusters as there are classes. The interval is the jackknife's, which
 * leaves one cluster of rows out after the other: a bootstrap draws queries twice, and copies agree
 * with each other.
 */
async function vMeasure(task: Task, vectorOf: VectorOf, seed: number): Promise<Interval> {
  const labels = labelsOf(task)
  const rows = task.test.map(({ query }) => vectorOf(query.key))
  const { clusters } = kMeans(stacked(rows), new Set(labels).size, { seed, starts: STARTS })
  const { vMeasure: value } = clusterAgreement(labels, clusters)
  const shared = [...new Set(task.test.map(({ cluster }) => cluster))]
  const without = shared.map((left) => {
    const places = task.test.flatMap(({ cluster }, i) => (cluster === left ? [] : [i]))
    const of = <T>(all: ArrayLike<T>) => places.map((at) => all[at]!)
    return places.length === 0 ? value : clusterAgreement(of(labels), of(clusters)).vMeasure
  })
  const middle = mean(without)
  const spread = without.reduce((sum, one) => sum + (one - middle) ** 2, 0)
  const error = Math.sqrt((spread * (shared.length - 1)) / shared.length)
  const reach = normalQuantile(0.975) * error
  return { value, low: Math.max(0, value - reach), high: Math.min(1, value + reach) }
}
