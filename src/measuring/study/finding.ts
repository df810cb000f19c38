/** @file The study's answer in a sentence, computed from its numbers. */

import type { BootstrapOptions, Interval } from '../../foundation/numeric/bootstrap.ts'
import { differenceOver, inScope, meanOver, type Scope } from '../benchmark/summary.ts'
import { percent, points } from '../report/format.ts'
import { excludesZero } from '../report/lookup.ts'
import type { Results } from '../report/results.ts'
import { agreementWords } from './agreement.ts'
import type { SeedRun } from './other-seeds.ts'
import { comparedPair, type Outcome, type Studied } from './outcome.ts'

type Finding = Results['finding']

/** Tasks that models were tuned for, or all where there is none. */
function headlineScope({ world }: Outcome): Scope {
  const inDomain: Scope = { kind: 'in-domain' }
  return world.tasks.some((task) => inScope(inDomain, task)) ? inDomain : { kind: 'all' }
}

/**
 * The answer of a study. One run is no finding, so the sentence says "in this run", and what runs
 * with other seeds gave.
 */
export function findingOf(
  outcome: Outcome,
  analysed: Pick<Results, 'alignment' | 'measures'>,
  options: BootstrapOptions,
): Finding {
  const scope = headlineScope(outcome)
  const count = outcome.world.tasks.filter((task) => inScope(scope, task)).length
  const over = `${count} ${scope.kind === 'in-domain' ? 'in-domain ' : ''}${count === 1 ? 'task' : 'tasks'}`
  const pair = comparedPair(outcome)
  const controls = outcome.studied.flatMap((studied) => controlWords(outcome, studied, scope, options))
  const before = alignmentWords(outcome, analysed.alignment)
  const thisRun = `In this run (seed ${outcome.setting.seed})`
  if (pair === undefined) {
    const { participant, label } = outcome.studied[0]!
    const interval = difference(outcome, participant.tuned.scores, participant.untuned.scores, scope, options)
    const range = `95 %: ${points(interval.low)} to ${points(interval.high)}`
    const sentence = excludesZero(interval)
      ? `${thisRun} conversion changes the ${label} by ${points(interval.value)} points of hit@1 over ${over} (${range}).`
      : `${thisRun} conversion does not change the ${label} measurably over ${over} (${points(interval.value)} points of hit@1; ${range}).`
    return {
      sentence,
      quantity: `${label} converted − as it was, mean hit@1 over ${over}`,
      interval,
      otherSeeds: [],
      caveats: [...controls, ...before, ONE_SEED],
    }
  }
  const [a, b] = pair
  const interval = difference(outcome, a.participant.tuned.scores, b.participant.tuned.scores, scope, options)
  const [better, worse] = interval.value >= 0 ? [a, b] : [b, a]
  const ranked = ({ participant: { id }, label }: Studied) => ({ id: `${id}-tuned`, label })
  const open = !excludesZero(interval)
  const size = `${Math.abs(100 * interval.value).toFixed(1)} points of hit@1`
  const range = `95 %: ${points(interval.low)} to ${points(interval.high)}`
  const sentence = open
    ? `${thisRun} the ${a.label} and the ${b.label}, converted alike, cannot be told apart: ${points(interval.value)} points of hit@1 over ${over} (${range}).`
    : `${thisRun} the ${better.label} embeds better than the ${worse.label}, converted alike, by ${size} over ${over} (${range}).`
  const { otherSeeds } = outcome
  return {
    sentence: [sentence, ...seedWords(interval, otherSeeds)].join(' '),
    quantity: `${a.label} − ${b.label}, both converted, mean hit@1 over ${over}`,
    interval,
    otherSeeds: [...otherSeeds],
    caveats: [
      ...controls,
      ...before,
      ...agreementWords([ranked(better), ranked(worse)], open, analysed),
      otherSeeds.length > 0 ? ROWS_ALONE : ONE_SEED,
    ],
  }
}

const ONE_SEED =
  'One seed and one pair of checkpoints: the interval covers the choice of test rows, not another pretraining or tuning run.'
const ROWS_ALONE =
  'Each interval covers the choice of test rows. Seeds are those of the conversion; the pretrained checkpoints are one pair.'

/** What other seeds gave, and whether the difference outlives them. */
export function seedWords(interval: Interval, others: readonly SeedRun[]): string[] {
  if (others.length === 0) return []
  const given = others
    .map(
      ({ seed, interval: { value, low, high } }) =>
        `${points(value)} (seed ${seed}; ${points(low)} to ${points(high)})`,
    )
    .join(', ')
  const all = [interval, ...others.map((other) => other.interval)]
  const holds = all.every(({ low }) => low > 0) || all.every(({ high }) => high < 0)
  const verdict = holds
    ? 'The difference has the same sign with every seed.'
    : 'Which of the two embeds better cannot be told from one seed.'
  return [`Other seeds of the conversion gave ${given}. ${verdict}`]
}

function difference(
  outcome: Outcome,
  a: Parameters<typeof differenceOver>[0],
  b: typeof a,
  scope: Scope,
  options: BootstrapOptions,
): Interval {
  return differenceOver(a, b, scope, outcome.world.tasks, options) ?? { value: 0, low: 0, high: 0 }
}

function controlWords(
  outcome: Outcome,
  { participant, control: random, label }: Studied,
  scope: Scope,
  options: BootstrapOptions,
): string[] {
  if (random === undefined) return []
  const mean = meanOver(random.tuned.scores, scope, outcome.world.tasks, options)
  const interval = difference(outcome, participant.tuned.scores, random.tuned.scores, scope, options)
  if (mean === undefined) return []
  const size = `${Math.abs(100 * interval.value).toFixed(1)} points`
  const control = `the same conversion of a random decoder on its tower (${percent(mean.value)} %)`
  const range = `95 %: ${points(interval.low)} to ${points(interval.high)}`
  if (interval.low > 0) return [`The ${label} beats ${control} by ${size} (${range}).`]
  const verdict = interval.high < 0 ? `falls behind ${control} by ${size}` : `cannot be told from ${control}`
  return [`The ${label} ${verdict} (${range}): what is measured is mostly the tower.`]
}

/** How well matched pairs are told from mismatched ones before and after, for each model. */
function alignmentWords({ studied }: Outcome, alignment: Results['alignment']): string[] {
  const auc = (model: string) =>
    alignment.find((row) => row.model === model && row.measure === 'matchedAuc' && row.layer === null)
      ?.interval.value
  const words = studied.flatMap(({ participant: { id }, label }) => {
    const [before, after] = [auc(id), auc(`${id}-tuned`)]
    return before === undefined || after === undefined
      ? []
      : [`${label} ${before.toFixed(2)} before, ${after.toFixed(2)} after conversion`]
  })
  return words.length === 0
    ? []
    : [`Chance that a matched image and caption are nearer than a mismatched pair: ${words.join('; ')}.`]
}
