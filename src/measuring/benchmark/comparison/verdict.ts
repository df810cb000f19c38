/** @file A comparison in one sentence. */

import type { Interval } from '../../../foundation/numeric/bootstrap.ts'
import type { ComparedOutcome } from './report.ts'

interface Verdict {
  readonly difference: Interval
  readonly detectable: number | null
  readonly outcome: ComparedOutcome
}

interface VerdictNames {
  readonly reference: string
  readonly model: string
  /** In words. */
  readonly metric: string
  readonly tasks: readonly string[]
  readonly queries: number
  readonly confidence: number
}

/**
 * The finding with its interval; "cannot be told" where the interval holds 0. A difference of 0
 * without a spread is that of queries that all have equal scores.
 */
export function verdictOf({ difference, detectable, outcome }: Verdict, names: VerdictNames): string {
  const { reference, model, metric, tasks, queries, confidence } = names
  const { value, low, high } = difference
  const where = tasks.length === 1 ? `on ${tasks[0]}` : `on average over ${tasks.length} tasks`
  const interval = `${Math.round(100 * confidence)} % interval ${points(low)} to ${points(high)}`
  if (outcome !== 'cannot-be-told')
    return `${model} is ${outcome} than ${reference}: ${points(value)} points of ${metric} ${where}, ${interval}.`
  if (value === 0 && detectable === null && queries > 1)
    return (
      `No query tells ${model} and ${reference} apart in ${metric} ${where}. ` +
      `Among other queries some may: ${interval}.`
    )
  const seen =
    detectable === null
      ? ''
      : `; with ${queries} queries a difference of ${magnitude(detectable)} points would probably be seen`
  return (
    `Whether ${model} or ${reference} is better cannot be told: ` +
    `${points(value)} points of ${metric} ${where}, ${interval}${seen}.`
  )
}

/** A difference of shares in points, with its sign. */
export function points(value: number): string {
  const text = magnitude(value)
  return Number(text) === 0 ? text : `${value > 0 ? '+' : '−'}${text}`
}

function magnitude(value: number): string {
  return Math.abs(100 * value).toFixed(1)
}
