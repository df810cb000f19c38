/**
 * @file Is image-text alignment the cause? Three tests from the records of the runs: whether
 * measures of alignment predict scores, whether a stage of alignment closes gaps, and how much of a
 * gap is left without pictures. Beside them: how much remedies of the vectors recover.
 */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import type { PredictionRow } from '../../analysis/prediction.ts'
import { type ChangedGap, type ChangedKind, changedGaps, changedRuns, type Gain, gainsOf } from './gaps.ts'
import type { Condition } from './plan.ts'
import { type Over, type PlacedModel, paperPrediction } from './prediction.ts'
import { type PaperRecord, type RecordedState, scoreOf, valuesOf } from './record.ts'
import { PAPER_REMEDIES } from './remedies.ts'

const STATES = ['tuned', 'untuned'] as const
export type State = (typeof STATES)[number]

/** Points that a prediction is tested on. */
export type PredictionSet = 'untuned' | 'tuned' | 'within-layers' | 'across-layers'

export interface Prediction {
  readonly set: PredictionSet
  /** Pretrained models: kinds times seeds. */
  readonly models: number
  /** Tunings or layers of each. */
  readonly places: number
  readonly rows: readonly PredictionRow[]
}

/** Gaps to the first kind of model, with and without a change. */
export interface Change {
  readonly state: State
  readonly gaps: readonly ChangedGap[]
  readonly gains: readonly Gain[]
}

export interface Causes {
  readonly prediction: readonly Prediction[]
  readonly intervention: readonly Change[]
  readonly substitution: readonly Change[]
  readonly remedies: readonly (Change & { readonly remedy: string })[]
}

/**
 * The tests that the runs allow; others are empty lists.
 * @param arms  kinds of models in the plan's order: gaps are counted from the first
 * @param tasks their names, and the cluster of each row
 */
export function causesOf(
  runs: readonly PaperRecord[],
  arms: readonly string[],
  tasks: readonly { readonly name: string; readonly clusters: readonly string[] }[],
  options: BootstrapOptions,
): Causes {
  const whole = runs.filter(({ share, mask }) => share === 1 && mask === 'native')
  const of = (condition: Condition) => whole.filter((run) => run.condition === condition)
  const clusters = tasks.map((task) => task.clusters)
  const hitsOf = (hits: RecordedState['hits']) => tasks.map(({ name }) => valuesOf(hits[name]!))
  const changeOf = (state: State, kinds: readonly ChangedKind[]): Change[] => {
    const gains = gainsOf(kinds, clusters, options)
    return gains.length === 0 ? [] : [{ state, gaps: changedGaps(kinds, clusters, options), gains }]
  }
  const underCondition = (condition: Condition) =>
    STATES.flatMap((state) => {
      const seeded = (own: readonly PaperRecord[], arm: string) =>
        inState(own, arm, state).map((run) => ({ ...seedsOf(run, state), hits: hitsOf(run[state].hits) }))
      const kinds = arms.map((arm) => ({
        arm,
        runs: changedRuns(seeded(of('plain'), arm), seeded(of(condition), arm)),
      }))
      return changeOf(state, kinds)
    })
  return {
    prediction: predictions(of('plain'), options),
    intervention: underCondition('aligned-first'),
    substitution: underCondition('captions'),
    remedies: Object.keys(PAPER_REMEDIES).flatMap((remedy) =>
      STATES.flatMap((state) => {
        const kinds = arms.map((arm) => ({
          arm,
          runs: inState(of('plain'), arm, state).flatMap((run) => {
            const after = run[state].remedies[remedy]
            if (after === undefined) return []
            return [{ ...seedsOf(run, state), before: hitsOf(run[state].hits), after: hitsOf(after) }]
          }),
        }))
        return changeOf(state, kinds).map((change) => ({ remedy, ...change }))
      }),
    ),
  }
}

/** Untuned, a model is the same whatever seed its tuning has: one run stands for all. */
function inState(runs: readonly PaperRecord[], arm: string, state: State): PaperRecord[] {
  const own = runs.filter((run) => run.arm === arm)
  if (state === 'tuned') return own
  return own.filter((run) => own.find(({ pretraining }) => pretraining === run.pretraining) === run)
}

function seedsOf({ pretraining, tuning }: PaperRecord, state: State) {
  return state === 'tuned' ? { pretraining, tuning } : { pretraining }
}

/** A score and measures of alignment at one place of a model. */
interface Point {
  readonly score: number
  readonly figures: Readonly<Record<string, number>>
}

function predictions(
  plain: readonly PaperRecord[],
  { seed, resamples: draws }: BootstrapOptions,
): Prediction[] {
  const groups = new Map<string, PaperRecord[]>()
  for (const run of plain) {
    const id = `${run.arm} ${run.pretraining}`
    groups.set(id, [...(groups.get(id) ?? []), run])
  }
  const models = [...groups].map(([id, runs]) => ({ id, runs, first: runs[0]! }))
  const point = ({ hits, alignment }: Pick<RecordedState, 'hits' | 'alignment'>): Point => ({
    score: scoreOf({ hits }),
    figures: alignment,
  })
  const sets: readonly [PredictionSet, Over, Map<string, Map<string, Point>>][] = [
    ['untuned', 'all', byModel(models, ({ first }) => [['', point(first.untuned)]])],
    [
      'tuned',
      'all',
      byModel(models, ({ runs }) => runs.map((run) => [String(run.tuning), point(run.tuned)])),
    ],
    ...(
      [
        ['within-layers', 'models'],
        ['across-layers', 'places'],
      ] as const
    ).map(([set, over]): [PredictionSet, Over, Map<string, Map<string, Point>>] => [
      set,
      over,
      byModel(models, ({ first }) =>
        Object.entries(first.layers).flatMap(([layer, { alignment, hit1 }]) =>
          hit1 === undefined ? [] : [[layer, { score: hit1, figures: alignment }]],
        ),
      ),
    ]),
  ]
  return sets.map(([set, over, points]) => {
    const placed = placedModels(points)
    const places = placed[0]?.scores.length ?? 0
    return { set, models: placed.length, places, rows: paperPrediction(placed, over, { seed, draws }) }
  })
}

function byModel<T extends { readonly id: string }>(
  models: readonly T[],
  pointsOf: (model: T) => [string, Point][],
): Map<string, Map<string, Point>> {
  return new Map(models.map((model) => [model.id, new Map(pointsOf(model))]))
}

/** Models at the places, and with the measures, that all of them have. */
function placedModels(models: ReadonlyMap<string, ReadonlyMap<string, Point>>): PlacedModel[] {
  const all = [...models.values()]
  const places = [...(all[0]?.keys() ?? [])].filter((place) => all.every((own) => own.has(place)))
  if (places.length === 0) return []
  const points = all.flatMap((own) => places.map((place) => own.get(place)!))
  const measures = Object.keys(points[0]!.figures).filter((measure) =>
    points.every(({ figures }) => figures[measure] !== undefined),
  )
  return [...models].map(([id, own]) => ({
    id,
    scores: places.map((place) => own.get(place)!.score),
    figures: Object.fromEntries(
      measures.map((measure) => [measure, places.map((place) => own.get(place)!.figures[measure]!)]),
    ),
  }))
}
