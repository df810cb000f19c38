/** @file An analysis in one sentence. */

import type { Analysis } from '../../../analysis/analysis.ts'
import { measured, points, pointsRange } from '../../format.ts'
import { excludesZero } from '../../lookup.ts'
import type { Interval } from '../../results.ts'
import { labelOf, scoreLabel } from './labels.ts'

/** The strongest thing that the analysis can say, with its interval. */
export function sentenceOf(analysis: Analysis): string {
  const { prediction, comparisons, remedies, subjects } = analysis
  if (prediction !== null) {
    const told = prediction.rows.filter(({ verdict }) => verdict === 'predicts')
    const measure = (name: string) => analysis.measures.find((one) => one.name === name)?.label ?? name
    const words = ({ measure: name, correlation }: (typeof told)[number]) =>
      `${measure(name)}${correlationWords(correlation)}`
    return told.length === 0
      ? `Over ${prediction.models.length} models no measure can be told to rank them as ${prediction.score} does.`
      : `Over ${prediction.models.length} models ${told.map(words).join(', ')} ` +
          `${told.length === 1 ? 'ranks' : 'rank'} them as ${prediction.score} does.`
  }
  const [first] = comparisons
  if (first !== undefined) {
    const own = first.figures.filter(({ layer }) => layer === null)
    const apart = own.filter(({ interval }) => excludesZero(interval)).length
    const names = `${labelOf(analysis, first.a)} and ${labelOf(analysis, first.b)}`
    return apart === 0
      ? `None of ${own.length} measures tells ${names} apart: every interval of a difference holds zero.`
      : `${apart} of ${own.length} measures ${apart === 1 ? 'tells' : 'tell'} ${names} apart, each at a level of 95 %.`
  }
  const [subject] = subjects
  const [fitted] = remedies
  if (fitted !== undefined && fitted.rows.length > 1) return remedyWords(analysis, fitted)
  const measuresInUse = subject?.figures.filter(({ layer }) => layer === null) ?? []
  return `${measuresInUse.length} measures of how image and text lie to each other.`
}

/** The remedies that change the first score by more than luck can. */
function remedyWords(analysis: Analysis, { rows }: Analysis['remedies'][number]): string {
  const tried = rows.flatMap(({ label, figures: [first] }) =>
    first === undefined || first.difference === null
      ? []
      : [{ label, score: first.score, difference: first.difference }],
  )
  const score = scoreLabel(analysis, tried[0]?.score ?? '')
  const raising = tried.filter(({ difference }) => difference.low > 0)
  if (raising.length === 0)
    return `None of ${tried.length} remedies raises the score "${score}" by an amount that can be told from zero.`
  const each = raising.map(
    ({ label, difference }) => `${label} (${points(difference.value)} points, ${pointsRange(difference)})`,
  )
  return (
    `${raising.length} of ${tried.length} remedies ${raising.length === 1 ? 'raises' : 'raise'} the score ` +
    `"${score}", each at a level of 95 %: ${each.join(', ')}.`
  )
}

function correlationWords(interval: Interval | null): string {
  return interval === null
    ? ''
    : ` (rank correlation ${measured(interval.value)}, 95 %: ${measured(interval.low)} to ${measured(interval.high)})`
}
