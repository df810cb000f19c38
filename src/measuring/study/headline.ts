/** @file The tasks that the answer of a study is about, and how its sentences begin. */

import { inScope, type Scope } from '../benchmark/summary.ts'
import type { Outcome } from './outcome.ts'

/** The scope of an answer. */
export interface Headline {
  readonly scope: Scope
  /** In words: `8 in-domain tasks`. */
  readonly over: string
}

/** Tasks that models were tuned for, or all where there is none. */
export function headlineOf({ world: { tasks } }: Pick<Outcome, 'world'>): Headline {
  const inDomain: Scope = { kind: 'in-domain' }
  const scope: Scope = tasks.some((task) => inScope(inDomain, task)) ? inDomain : { kind: 'all' }
  const count = tasks.filter((task) => inScope(scope, task)).length
  const over = `${count} ${scope.kind === 'in-domain' ? 'in-domain ' : ''}${count === 1 ? 'task' : 'tasks'}`
  return { scope, over }
}

/** One run is no finding: a sentence says of which run it is. */
export function runWords({ setting }: Pick<Outcome, 'setting'>): string {
  return `In this run (seed ${setting.seed})`
}
