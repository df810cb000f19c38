/** @file Gates of a comparison, for continuous integration: which tasks may lose how much. */

import { suggestion } from '../../../foundation/numeric/suggestion.ts'
import { BenchmarkError } from '../errors.ts'
import type { ComparedPair, ComparisonReport } from './report.ts'

/**
 * How sure a loss must be to fail. `shown`: the whole interval lies beyond the limit. `value`: the
 * difference itself does. `possible`: the interval does not exclude it.
 */
export type Evidence = 'shown' | 'value' | 'possible'

/** `task=points` in parts. */
export interface GateLimit {
  /** A task, a mean such as `all`, or `*` for every task. */
  readonly name: string
  /** Points that the model may be worse by. */
  readonly points: number
}

export interface GateResult {
  readonly reference: string
  readonly model: string
  readonly name: string
  /** Points that may be lost. */
  readonly limit: number
  readonly difference: ComparedPair['means'][number]['difference']
  readonly passed: boolean
}

/**
 * Reads a limit.
 * @param spec `TASK=POINTS`, `MEAN=POINTS`, `*=POINTS`, or `POINTS`, which is of the mean over all
 * @throws BenchmarkError `benchmark/gate`
 */
export function gateLimit(spec: string): GateLimit {
  const at = spec.lastIndexOf('=')
  const [name, text] = at < 0 ? ['all', spec] : [spec.slice(0, at), spec.slice(at + 1)]
  const points = Number(text)
  if (name !== '' && text.trim() !== '' && Number.isFinite(points) && points >= 0 && points <= 100)
    return { name, points }
  throw new BenchmarkError('gate', {
    message: `"${spec}" is no limit: expected TASK=POINTS with points from 0 to 100`,
    hint: 'Such as all=1, to fail where the mean over all tasks loses more than one point; *=2 is of every task.',
  })
}

/**
 * Holds every pair against the limits.
 * @throws BenchmarkError `benchmark/no-task` for a name that is neither a task nor a mean
 */
export function gatesOf(
  { pairs }: ComparisonReport,
  limits: readonly GateLimit[],
  evidence: Evidence = 'shown',
): GateResult[] {
  return pairs.flatMap(({ reference, model, tasks, means }) =>
    limits.flatMap(({ name, points }) => {
      const byTask = tasks.map(({ task, difference }) => ({ name: task, difference }))
      const known = [...byTask, ...means]
      const found = name === '*' ? byTask : known.filter((one) => one.name === name)
      if (found.length === 0)
        throw unknown(
          name,
          known.map((one) => one.name),
        )
      return found.map(({ name: own, difference }) => {
        const decisive = { shown: difference.high, value: difference.value, possible: difference.low }[
          evidence
        ]
        return { reference, model, name: own, limit: points, difference, passed: !(decisive < -points / 100) }
      })
    }),
  )
}

function unknown(name: string, known: readonly string[]): BenchmarkError {
  const near = suggestion(name, known)
  return new BenchmarkError('no-task', {
    message: `a limit for ${name}, which was not compared; there are ${known.join(', ')}, and * for every task`,
    hint: near === undefined ? 'Name one of these.' : `Did you mean ${near}?`,
  })
}
