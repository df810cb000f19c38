/** @file The verdict on runs: one sentence, and the paired difference that it rests on. */

import type { BootstrapOptions, Interval } from '../../../foundation/numeric/bootstrap.ts'
import { type Comparison, meanDifference } from '../../benchmark/comparison/scores.ts'
import { meanOver } from '../../benchmark/summary.ts'
import { percent, percentRange, points, pointsRange } from '../format.ts'
import { excludesZero } from '../lookup.ts'
import type { Results } from '../results.ts'
import type { RunPage } from './form.ts'
import type { GatheredModel, GatheredTask } from './gather.ts'
import { shared } from './shared.ts'

export interface Headline {
  readonly ranked: readonly GatheredModel[]
  readonly baselines: readonly GatheredModel[]
  readonly comparison: Comparison | undefined
  readonly tasks: readonly GatheredTask[]
  readonly means: Results['means']
  readonly options: BootstrapOptions
}

/** Of two models or more the first two are compared; of one, the model and the best baseline. */
export function verdictOf(headline: Headline): RunPage['verdict'] {
  const { ranked, comparison } = headline
  const [a, b] = ranked
  if (a !== undefined && b !== undefined && comparison !== undefined)
    return ofPair(headline, a, b, comparison)
  return ofOne(headline, a ?? headline.baselines[0]!)
}

const tasksWords = (count: number) => (count === 1 ? 'one task' : `the mean of ${count} tasks`)

function ofPair(
  { ranked, options }: Headline,
  a: GatheredModel,
  b: GatheredModel,
  { mean, tasks }: Comparison,
): RunPage['verdict'] {
  const { difference, detectable } = mean
  const over = tasksWords(tasks.length)
  const [first, second] = [a.shown.label, b.shown.label]
  const range = `95 % interval ${pointsRange(difference)}`
  const [better, worse] = difference.value >= 0 ? [first, second] : [second, first]
  const sentence = excludesZero(difference)
    ? `${better} finds more than ${worse}: ${points(Math.abs(difference.value))} points of hit@1 in ${over} ` +
      `(95 % interval ${pointsRange(difference.value >= 0 ? difference : negated(difference))}).`
    : `${over[0]!.toUpperCase()}${over.slice(1)} cannot tell ${first} from ${second}: their difference in hit@1 is ` +
      `${points(difference.value)} points, and its ${range} holds zero.`
  const queries = tasks.reduce((sum, task) => sum + task.queries, 0)
  const caveats = [
    ...othersWords(ranked, a, options),
    ...(Number.isFinite(detectable) && detectable > 0
      ? [
          `With these ${queries.toLocaleString('en')} queries a true difference of ${percent(detectable)} points ` +
            'would be seen in four of five cases; a smaller one is likely to be missed.',
        ]
      : []),
    'The interval holds for other queries of the same kinds. It says nothing of other tasks, or of a ' +
      'model trained anew.',
  ]
  return {
    sentence,
    quantity: `${first} − ${second}, hit@1 in ${over}`,
    interval: difference,
    otherSeeds: [],
    caveats,
    a: { label: first, model: a.shown.id },
    b: { label: second, model: b.shown.id },
  }
}

function negated({ value, low, high }: Interval): Interval {
  return { value: -value, low: -high, high: -low }
}

/**
 * Of three models or more: the ones that the best one can be told from, at a level for all of
 * them.
 */
function othersWords(
  ranked: readonly GatheredModel[],
  best: GatheredModel,
  options: BootstrapOptions,
): string[] {
  const others = ranked.slice(1)
  if (others.length < 2) return []
  const confidence = 1 - 0.05 / others.length
  const [told, untold]: [string[], string[]] = [[], []]
  for (const other of others) {
    const [a, b] = shared(best.scores, other.scores)
    if (a.tasks.length === 0) continue
    const clear = excludesZero(meanDifference(a, b, { ...options, confidence }).difference)
    ;(clear ? told : untold).push(other.shown.label)
  }
  return [
    `${best.shown.label} has the highest mean of ${ranked.length} models. ` +
      (told.length === 0
        ? 'These tasks tell it from none of the others'
        : `These tasks tell it from ${told.join(', ')}${untold.length === 0 ? '' : `, and not from ${untold.join(', ')}`}`) +
      `, at a level of 5 % for all ${others.length} comparisons together (Bonferroni).`,
  ]
}

/** One model: how far it is from the best baseline, else from a blind guess. */
function ofOne({ baselines, tasks, means, options }: Headline, model: GatheredModel): RunPage['verdict'] {
  const own = tasks.filter(({ shown }) => model.scores.tasks.some(({ task }) => task === shown.name))
  const guess =
    own.reduce((sum, { shown }) => sum + Math.max(shown.chance, shown.majority ?? 0), 0) / own.length
  const mean = meanOver(
    model.scores,
    { kind: 'all' },
    own.map(({ signs, shown }) => ({ ...signs, name: shown.name })),
    options,
  ) ?? { value: 0, low: 0, high: 0 }
  const meanOfBaseline = ({ shown }: GatheredModel) =>
    means.find(({ model: id, scope }) => id === shown.id && scope.kind === 'all')?.hit1.value ?? -1
  const [best] = baselines
    .filter((one) => one !== model)
    .toSorted((a, b) => meanOfBaseline(b) - meanOfBaseline(a))
  const [a, b] = best === undefined ? [model.scores, model.scores] : shared(model.scores, best.scores)
  const against =
    best !== undefined && a.tasks.length === own.length && meanOfBaseline(best) > guess ? best : undefined
  const interval =
    against === undefined
      ? { value: mean.value - guess, low: mean.low - guess, high: mean.high - guess }
      : meanDifference(a, b, options).difference
  const over = tasksWords(own.length)
  const bar = against?.shown.label ?? 'a blind guess'
  const compared = excludesZero(interval)
    ? `${points(interval.value)} points against ${bar} (${pointsRange(interval)})`
    : `which cannot be told from ${bar} (${points(interval.value)} points, ${pointsRange(interval)})`
  return {
    sentence:
      `${model.shown.label} puts the right answer first for ${percent(mean.value)} % of the queries in ${over} ` +
      `(95 % interval ${percentRange(mean)}), ${compared}.`,
    quantity: `${model.shown.label} − ${bar}, hit@1 in ${over}`,
    interval,
    otherSeeds: [],
    caveats: ['A blind guess names the commonest answer, or any where answers are equally common.'],
    a: { label: model.shown.label, model: model.shown.id },
    b: { label: bar, model: against?.shown.id ?? null },
  }
}
