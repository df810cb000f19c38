/** @file The table of metrics: each is the score of one ranked list. A new metric is a row here. */

import {
  hitAt,
  ndcgAt,
  publishedHitAt,
  type RankedList,
  recallAt,
  reciprocalRank,
} from '../../foundation/numeric/ranking.ts'

export interface Metric {
  /** Words for tables and axes. */
  readonly label: string
  /** In [0, 1]; the mean over queries is the task's score. */
  of(list: RankedList): number
}

/** By their names in results.json. */
const metrics = {
  hit1: { label: 'hit@1', of: (list) => hitAt(1, list) },
  firstWins: { label: 'hit@1, the first of tied candidates wins', of: (list) => publishedHitAt(1, list) },
  recall5: { label: 'recall@5', of: (list) => recallAt(5, list) },
  recall10: { label: 'recall@10', of: (list) => recallAt(10, list) },
  mrr: { label: 'MRR', of: reciprocalRank },
  ndcg10: { label: 'nDCG@10', of: (list) => ndcgAt(10, list) },
} as const satisfies Record<string, Metric>

/** Names and words of all metrics, in the order of the table. */
export function metricLabels(): { name: string; label: string }[] {
  return Object.entries(metrics).map(([name, { label }]) => ({ name, label }))
}

/** Name of a metric → number. */
export type PerMetric = Readonly<Record<string, number>>

/** Every metric of the table. */
export function perMetric(of: (metric: Metric, name: string) => number): PerMetric {
  return Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, of(metric, name)]))
}
