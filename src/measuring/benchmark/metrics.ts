/** @file The table of metrics: each is the score of one ranked list. A new metric is a row here. */

import {
  averagePrecision,
  hitAt,
  ndcgAt,
  type Ranking,
  recallAt,
  reciprocalRank,
  type Ties,
} from '../../foundation/numeric/ranking.ts'
import { suggestion } from '../../foundation/numeric/suggestion.ts'
import { BenchmarkError } from './errors.ts'

/**
 * One list under each rule for ties (`expected` is ours), and without its repeated candidates:
 * `unique`, in which ties stand as in `expected`.
 */
export type RankedRow = Readonly<Record<Ties | 'unique', Ranking>>

export interface Metric {
  /** Words for tables and axes. */
  readonly label: string
  /** In [0, 1]; the mean over queries is the task's score. */
  of(list: RankedRow): number
}

/** By their names in results.json. */
const metrics = {
  hit1: { label: 'hit@1', of: ({ expected }) => hitAt(1, expected) },
  firstWins: { label: 'hit@1, the first of tied candidates wins', of: ({ first }) => hitAt(1, first) },
  strict: { label: 'hit@1, a tie is lost', of: ({ strict }) => hitAt(1, strict) },
  hit5: { label: 'hit@5', of: ({ expected }) => hitAt(5, expected) },
  hit10: { label: 'hit@10', of: ({ expected }) => hitAt(10, expected) },
  recall5: { label: 'recall@5', of: ({ expected }) => recallAt(5, expected) },
  recall10: { label: 'recall@10', of: ({ expected }) => recallAt(10, expected) },
  mrr: { label: 'MRR', of: ({ expected }) => reciprocalRank(expected) },
  map: { label: 'MAP', of: ({ expected }) => averagePrecision(expected) },
  ndcg5: { label: 'nDCG@5', of: ({ expected }) => ndcgAt(5, expected) },
  ndcg10: { label: 'nDCG@10', of: ({ expected }) => ndcgAt(10, expected) },
  ndcg10Exponential: {
    label: 'nDCG@10, exponential gain',
    of: ({ expected }) => ndcgAt(10, expected, 'exponential'),
  },
  uniqueHit1: { label: 'hit@1, repeated candidates once', of: ({ unique }) => hitAt(1, unique) },
  uniqueRecall5: { label: 'recall@5, repeated candidates once', of: ({ unique }) => recallAt(5, unique) },
  uniqueMrr: { label: 'MRR, repeated candidates once', of: ({ unique }) => reciprocalRank(unique) },
  uniqueNdcg5: { label: 'nDCG@5, repeated candidates once', of: ({ unique }) => ndcgAt(5, unique) },
  uniqueNdcg10: { label: 'nDCG@10, repeated candidates once', of: ({ unique }) => ndcgAt(10, unique) },
} as const satisfies Record<string, Metric>

/** Names and words of all metrics, in the order of the table. */
export function metricLabels(): { name: string; label: string }[] {
  return Object.entries(metrics).map(([name, { label }]) => ({ name, label }))
}

/**
 * Words of one metric.
 * @throws BenchmarkError `benchmark/no-metric` for a name that is not in the table
 */
export function metricLabel(metric: string): string {
  const known = metricLabels()
  const found = known.find(({ name }) => name === metric)
  if (found !== undefined) return found.label
  const names = known.map(({ name }) => name)
  const near = suggestion(metric, names)
  throw new BenchmarkError('no-metric', {
    message: `there is no metric ${metric}; there are ${names.join(', ')}`,
    hint: near === undefined ? 'Name one of these.' : `Did you mean ${near}?`,
  })
}

/** Name of a metric → number. */
export type PerMetric = Readonly<Record<string, number>>

/** Every metric of the table. */
export function perMetric(of: (metric: Metric, name: string) => number): PerMetric {
  return Object.fromEntries(Object.entries(metrics).map(([name, metric]) => [name, of(metric, name)]))
}
