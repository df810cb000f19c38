/** @file The study's answer in a sentence, computed from its numbers. */

import type { BootstrapOptions, Interval } from '../../foundation/numeric/bootstrap.ts'
import { differenceOver, meanOver, type Scope } from '../benchmark/summary.ts'
import { percent, percentRange, points, pointsRange } from '../report/format.ts'
import { excludesZero } from '../report/lookup.ts'
import type { Results } from '../report/results.ts'
import { agreementWords } from './agreement.ts'
import { type Headline, headlineOf, runWords } from './headline.ts'
import type { SeedRun } from './other-seeds.ts'
import {
  type Contender,
  comparedPair,
  contenders,
  finalState,
  type Outcome,
  type Studied,
} from './outcome.ts'
import { pairsFinding } from './pairs/results.ts'

type Finding = Results['finding']

/**
 * The answer of a study. One run is no finding, so the sentence says "in this run", and gives the
 * results of other seeds.
 */
export function findingOf(
  outcome: Outcome,
  analysed: Pick<Results, 'alignment' | 'measures' | 'pairs'>,
  options: BootstrapOptions,
): Finding {
  const { scope, over } = headlineOf(outcome)
  const at: Answer = { outcome, scope, over, options }
  const before = [
    ...outcome.studied.flatMap((studied) => controlWords(outcome, studied, scope, options)),
    ...alignmentWords(outcome, analysed.alignment),
  ]
  const seeds = outcome.otherSeeds.length > 0 ? ROWS_ALONE : outcome.setting.tune ? ONE_SEED : TEST_ROWS
  const pair = comparedPair(outcome)
  const ranking =
    (analysed.pairs && pairsFinding(outcome, analysed.pairs)) ??
    (pair === undefined ? alone(at) : comparison(pair, at, analysed))
  const { caveats, ...found } = ranking
  return { ...found, caveats: [...before, ...caveats, seeds] }
}

interface Answer extends Headline {
  readonly outcome: Outcome
  readonly options: BootstrapOptions
}

/** A study of one model: what tuning changed, or how well the model does as it is. */
function alone({ outcome, scope, over, options }: Answer): Finding {
  const [studied] = outcome.studied
  const tuned = studied?.participant.tuned
  if (studied !== undefined && tuned !== undefined) {
    const { label, participant } = studied
    const interval = difference(outcome, tuned.state.scores, participant.plain.scores, scope, options)
    const change = `${points(interval.value)} points of hit@1`
    const range = `95 %: ${pointsRange(interval)}`
    const sentence = excludesZero(interval)
      ? `${runWords(outcome)} tuning changes the ${label} by ${change} over ${over} (${range}).`
      : `${runWords(outcome)} tuning does not change the ${label} measurably over ${over} (${change}; ${range}).`
    const quantity = `${label} tuned − as it was, mean hit@1 over ${over}`
    return { sentence, quantity, interval, otherSeeds: [], caveats: [] }
  }
  const [only] = contenders(outcome)
  const label = only?.label ?? outcome.world.name
  const interval = (only && meanOver(only.scores, scope, outcome.world.tasks, options)) ?? NO_INTERVAL
  return {
    sentence:
      `As it is, the ${label} finds the right candidate first in ${percent(interval.value)} % of the ` +
      `rows of ${over} (95 %: ${percentRange(interval)}).`,
    quantity: `${label} as it is, mean hit@1 over ${over}`,
    interval,
    otherSeeds: [],
    caveats: [],
  }
}

/** Which of two models embeds better. */
function comparison(
  [a, b]: readonly [Contender, Contender],
  { outcome, scope, over, options }: Answer,
  analysed: Pick<Results, 'alignment' | 'measures'>,
): Finding {
  const interval = difference(outcome, a.scores, b.scores, scope, options)
  const [better, worse] = interval.value >= 0 ? [a, b] : [b, a]
  const how = a.state === 'tuned' ? 'tuned alike' : 'as they are'
  const sentence = `${runWords(outcome)} ${comparedWords([a, b], interval, `, ${how},`)} over ${over} (${rangeOf(interval)}).`
  const { otherSeeds } = outcome
  const ranked = ({ scores, label }: Contender) => ({ id: scores.model, label })
  // The first of the pair beside every further model.
  const further = contenders(outcome).filter(({ scores }) => scores !== a.scores && scores !== b.scores)
  const beside = further.map((other) => {
    const apart = difference(outcome, a.scores, other.scores, scope, options)
    return `${capital(comparedWords([a, other], apart, ''))} (${rangeOf(apart)}).`
  })
  return {
    sentence: [sentence, ...seedWords(interval, otherSeeds), ...beside].join(' '),
    quantity: `${a.label} − ${b.label}, ${a.state === 'tuned' ? 'both tuned' : how}, mean hit@1 over ${over}`,
    interval,
    otherSeeds: [...otherSeeds],
    caveats: agreementWords([ranked(better), ranked(worse)], !excludesZero(interval), analysed),
  }
}

/** Which of two models embeds better, and by how much, or that it cannot be told. */
export function comparedWords(
  [a, b]: readonly [Pick<Contender, 'label'>, Pick<Contender, 'label'>],
  interval: Interval,
  how: string,
): string {
  if (!excludesZero(interval))
    return `the ${a.label} and the ${b.label}${how} cannot be told apart: ${points(interval.value)} points of hit@1`
  const [better, worse] = interval.value >= 0 ? [a, b] : [b, a]
  const size = Math.abs(100 * interval.value).toFixed(1)
  return `the ${better.label} embeds better than the ${worse.label}${how} by ${size} points of hit@1`
}

const rangeOf = (interval: Interval) => `95 %: ${pointsRange(interval)}`

const capital = (words: string) => words.slice(0, 1).toUpperCase() + words.slice(1)

const ONE_SEED =
  'One seed and one pretraining of each model: the interval covers the choice of test rows, not another pretraining or tuning run.'
const ROWS_ALONE =
  'Each interval covers the choice of test rows. Seeds are those of the tuning; each model was pretrained once.'
const TEST_ROWS = 'The interval covers the choice of test rows, nothing else.'

const NO_INTERVAL: Interval = { value: 0, low: 0, high: 0 }

/** The results of other seeds, and whether the difference outlives them. */
export function seedWords(interval: Interval, others: readonly SeedRun[]): string[] {
  if (others.length === 0) return []
  const given = others
    .map(({ seed, interval: other }) => `${points(other.value)} (seed ${seed}; ${pointsRange(other)})`)
    .join(', ')
  const all = [interval, ...others.map((other) => other.interval)]
  const holds = all.every(({ low }) => low > 0) || all.every(({ high }) => high < 0)
  const verdict = holds
    ? 'The difference has the same sign with every seed.'
    : 'Which of the two embeds better cannot be told from one seed.'
  return [`Other seeds of the tuning gave ${given}. ${verdict}`]
}

function difference(
  outcome: Outcome,
  a: Parameters<typeof differenceOver>[0],
  b: typeof a,
  scope: Scope,
  options: BootstrapOptions,
): Interval {
  return differenceOver(a, b, scope, outcome.world.tasks, options) ?? NO_INTERVAL
}

function controlWords(outcome: Outcome, studied: Studied, scope: Scope, options: BootstrapOptions): string[] {
  const { control: random, label } = studied
  if (random === undefined) return []
  const mean = meanOver(random.scores, scope, outcome.world.tasks, options)
  const interval = difference(outcome, finalState(studied).scores, random.scores, scope, options)
  if (mean === undefined) return []
  const size = `${Math.abs(100 * interval.value).toFixed(1)} points`
  const control = `the same tuning of a random decoder on its tower (${percent(mean.value)} %)`
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
      : [`${label} ${before.toFixed(2)} before, ${after.toFixed(2)} after tuning`]
  })
  return words.length === 0
    ? []
    : [`Chance that a matched image and caption are nearer than a mismatched pair: ${words.join('; ')}.`]
}
