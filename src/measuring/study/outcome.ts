/**
 * @file Everything that was measured, by model state: figures, criteria and sentences are made from
 * it.
 */

import type { Task } from '../../inputs/data/task.ts'
import type { ModelScores } from '../benchmark/evaluate.ts'
import type { Factors } from '../report/factors.ts'
import type { ResultsModel } from '../report/results.ts'
import type { StudySetting } from './options.ts'
import type { SeedRun } from './other-seeds.ts'
import type { SharedBase } from './pairs/base.ts'
import type { ControlParticipant, Participant } from './participant.ts'
import type { PairVectors, StoredAs } from './state.ts'
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
  readonly stored: StoredAs
  /** Only of dual encoders that are studied alone. */
  readonly pairs: PairVectors | undefined
}

export interface Outcome {
  readonly setting: StudySetting
  /** Makes the same results again. */
  readonly command: string
  readonly world: StudyWorld
  readonly studied: readonly Studied[]
  readonly baselines: readonly Baseline[]
  /** Only of the plan `pairs`. */
  readonly sharedBase?: SharedBase
  /** The headline difference in runs with other seeds, where they are known. */
  readonly otherSeeds: readonly SeedRun[]
  /** The costs of each ingredient over seeds, as they ship with the twins that are studied. */
  readonly factors?: Factors | undefined
}

/** One model in the state in which the study compares it: tuned, or as it is. */
export interface Contender {
  readonly label: string
  /** Of the model as it was opened, before any tuning. */
  readonly hash: string | null
  readonly scores: ModelScores
  readonly state: 'tuned' | 'plain'
}

/** The last state of a studied model. */
export function finalState({ participant, label }: Studied): Contender {
  const { hash, plain, tuned } = participant
  return tuned === undefined
    ? { label, hash, scores: plain.scores, state: 'plain' }
    : { label, hash, scores: tuned.state.scores, state: 'tuned' }
}

/**
 * The models that the study is about: those under study, or dual encoders where there are no
 * others.
 */
export function contenders({ studied, baselines }: Pick<Outcome, 'studied' | 'baselines'>): Contender[] {
  if (studied.length > 0) return studied.map(finalState)
  return baselines
    .filter(({ role }) => role === 'dual-encoder')
    .map(({ label, hash, scores }) => ({ label, hash, scores, state: 'plain' }))
}

/** Scores of every model state, in the order of the report. */
export function allScores({ studied, baselines }: Outcome): ModelScores[] {
  return [
    ...studied.flatMap(({ participant: { plain, tuned } }) => [
      plain.scores,
      ...(tuned === undefined ? [] : [tuned.state.scores]),
    ]),
    ...studied.flatMap(({ control }) => (control === undefined ? [] : [control.scores])),
    ...baselines.map(({ scores }) => scores),
    ...studied.flatMap(({ participant: { shuffled } }) => (shuffled === undefined ? [] : [shuffled])),
  ]
}

/**
 * The pair of the headline, AR − diffusion where there are both, else the first two; undefined with
 * a single model.
 */
export function comparedPair(
  outcome: Pick<Outcome, 'studied' | 'baselines'>,
): readonly [Contender, Contender] | undefined {
  const { studied } = outcome
  const autoregressive = studied.find(({ objective }) => objective === 'autoregressive')
  const diffusion = studied.find(({ objective }) => objective === 'diffusion')
  const [first, second] =
    autoregressive && diffusion ? [finalState(autoregressive), finalState(diffusion)] : contenders(outcome)
  return first && second ? [first, second] : undefined
}

/** Largest candidate list of a task's test rows. */
export function candidatesOf({ test }: Task): number {
  return Math.max(...test.map(({ candidates }) => candidates.length))
}
