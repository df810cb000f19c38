/**
 * @file Everything that was measured, by model state: what figures, criteria and sentences are made
 * from.
 */

import type { Task } from '../../inputs/data/task.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import type { ResultsModel } from '../report/results.ts'
import type { StudySetting } from './options.ts'
import type { SeedRun } from './other-seeds.ts'
import type { ControlParticipant, Participant } from './participant.ts'
import type { StudyWorld } from './world.ts'

/** A model under study with its control, if that was run. */
export interface Studied {
  readonly participant: Participant
  readonly control: ControlParticipant | undefined
  readonly role: 'twin' | 'checkpoint'
  readonly objective: ResultsModel['objective']
  readonly label: string
  /** First paragraph of the model card, if the folder has one. */
  readonly card: string | undefined
}

export interface Baseline {
  readonly id: string
  readonly label: string
  readonly hash: string | null
  readonly parameters: number | null
  readonly family: string | null
  readonly role: 'dual-encoder' | 'pixels'
  /** Only the tasks that it can be scored on. */
  readonly scores: ModelScores
}

export interface Outcome {
  readonly setting: StudySetting
  readonly world: StudyWorld
  readonly studied: readonly Studied[]
  readonly baselines: readonly Baseline[]
  /** The headline difference in runs with other seeds, where they are known. */
  readonly otherSeeds: readonly SeedRun[]
}

/** Scores of every model state, in the order of the report. */
export function allScores({ studied, baselines }: Outcome): ModelScores[] {
  return [
    ...studied.flatMap(({ participant }) => [participant.untuned.scores, participant.tuned.scores]),
    ...studied.flatMap(({ control }) => (control === undefined ? [] : [control.tuned.scores])),
    ...baselines.map(({ scores }) => scores),
    ...studied.map(({ participant }) => participant.shuffled),
  ]
}

/**
 * The pair of the headline, AR − diffusion where there are both, else the first two; undefined with
 * a single model.
 */
export function comparedPair({ studied }: Pick<Outcome, 'studied'>): readonly [Studied, Studied] | undefined {
  const autoregressive = studied.find(({ objective }) => objective === 'autoregressive')
  const diffusion = studied.find(({ objective }) => objective === 'diffusion')
  const [first, second] = autoregressive && diffusion ? [autoregressive, diffusion] : studied
  return first && second ? [first, second] : undefined
}

/** Largest candidate list of a task's test rows. */
export function candidatesOf({ test }: Task): number {
  return Math.max(...test.map(({ candidates }) => candidates.length))
}
