/**
 * @file The scores of VLM2Vec's result files, from predictions: at 1, 5 and 10.
 * @see specs/vlm2vec-mmeb.md §9.7; TIGER-AI-Lab/VLM2Vec, src/eval_utils/metrics.py
 */

import { mean } from '../../../foundation/numeric/statistics.ts'
import type { Prediction } from './ranked-lists.ts'

/** `hit@1` … `mrr@10`, `num_pred`, `num_data`. */
export type ScoreObject = Readonly<Record<string, number>>

interface Judged {
  /** Whether each place holds a right candidate, and its grade. */
  readonly right: readonly boolean[]
  readonly gains: readonly number[]
  /** Right candidates found in the first places, each name once. */
  readonly distinct: (k: number) => number
  readonly labels: number
  /** Grades of all right candidates, falling. */
  readonly ideal: readonly number[]
}

type Score = (judged: Judged, k: number) => number

const precision: Score = ({ distinct }, k) => distinct(k) / k
const recall: Score = ({ distinct, labels }, k) => distinct(k) / labels

/** In the order of the published files. */
const SCORES: Readonly<Record<string, Score>> = {
  hit: ({ distinct }, k) => Number(distinct(k) > 0),
  ndcg_linear: (judged, k) => ndcg(judged, k, (grade) => grade),
  ndcg_exponential: (judged, k) => ndcg(judged, k, (grade) => 2 ** grade - 1),
  precision,
  recall,
  f1: (judged, k) => {
    const [p, r] = [precision(judged, k), recall(judged, k)]
    return p + r === 0 ? 0 : (2 * p * r) / (p + r)
  },
  map: ({ right, labels }, k) => {
    let [hits, sum] = [0, 0]
    for (const [place, isRight] of right.slice(0, k).entries())
      if (isRight) {
        hits += 1
        sum += hits / (place + 1)
      }
    return sum / Math.min(labels, k)
  },
  mrr: ({ right }, k) => {
    const first = right.slice(0, k).indexOf(true)
    return first < 0 ? 0 : 1 / (first + 1)
  },
}

const CUTS = [1, 5, 10]

/** Means over all predictions of a dataset; names that are equal are one candidate. */
export function scoreObject(predictions: readonly Prediction[]): ScoreObject {
  const judged = predictions.map(judge)
  const scores = Object.entries(SCORES).flatMap(([name, score]) =>
    CUTS.map((k): [string, number] => [`${name}@${k}`, mean(judged.map((one) => score(one, k)))]),
  )
  const count = predictions.length
  return { ...Object.fromEntries(scores), num_pred: count, num_data: count }
}

function judge({ prediction, label, rel_scores }: Prediction): Judged {
  const grades = new Map(label.map((name, i) => [name, rel_scores?.[i] ?? 1]))
  return {
    right: prediction.map((name) => grades.has(name)),
    gains: prediction.map((name) => grades.get(name) ?? 0),
    distinct: (k) => new Set(prediction.slice(0, k).filter((name) => grades.has(name))).size,
    labels: grades.size,
    ideal: [...grades.values()].sort((a, b) => b - a),
  }
}

function ndcg({ gains, ideal }: Judged, k: number, gain: (grade: number) => number): number {
  const sum = (grades: readonly number[]) =>
    grades.slice(0, k).reduce((total, grade, place) => total + gain(grade) / Math.log2(place + 2), 0)
  const best = sum(ideal)
  return best > 0 ? sum(gains) / best : 0
}
