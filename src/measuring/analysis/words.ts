/** @file An analysis in words: tables for the terminal, each measure with how to read it. */

import { createColors } from 'picocolors'
import type { Analysis, AnalysisFigures } from './analysis.ts'
import { FEWEST_MODELS } from './prediction.ts'

type Interval = AnalysisFigures[number]['interval']

export interface WordsOptions {
  /** Default false. */
  color?: boolean
  /** Columns of the terminal; default 100. */
  width?: number
}

/** All parts of an analysis, one after the other. */
export function analysisWords(analysis: Analysis, { color = false, width = 100 }: WordsOptions = {}): string {
  const paint = createColors(color)
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${paint.bold(title)}\n${lines.join('\n')}`]
  const parts = [
    ...analysis.subjects.flatMap((one) => part(headOf(one), measureLines(analysis, one.figures, width))),
    ...analysis.comparisons.flatMap(({ a, b, figures }) =>
      part(
        `${a} − ${b}, on the same pairs (* the interval leaves out 0)`,
        differenceLines(analysis, figures),
      ),
    ),
    ...analysis.subjects.flatMap((one) => part(`${one.label}: by layer`, layerLines(one.figures))),
    ...analysis.fused.flatMap(({ subject, side, items, figures }) =>
      part(
        `${subject}: ${items} ${side === 'query' ? 'queries' : 'targets'} of text and picture`,
        figures.map(
          ({ label, meaning, interval }) => `  ${label.padEnd(30)}  ${ranged(interval)}  ${meaning}`,
        ),
      ),
    ),
    ...analysis.remedies.flatMap((one) =>
      part(
        `${one.subject}: remedies, fitted to ${one.fitted} pairs and scored on ${one.scored} others (per cent)`,
        remedyLines(analysis, one),
      ),
    ),
    ...analysis.ablations.flatMap((one) =>
      part(`${one.subject}: readouts by ${one.score} (per cent)`, ablationLines(one)),
    ),
    ...(analysis.prediction === null
      ? []
      : part(`Which measure ranks models as ${analysis.prediction.score} does`, predictionLines(analysis))),
    ...(analysis.notes.length === 0 ? [] : [analysis.notes.map((note) => `note: ${note}`).join('\n')]),
  ]
  return parts.join('\n\n')
}

function headOf({ label, pairs, sampled, dim, readout }: Analysis['subjects'][number]): string {
  const part = sampled < pairs ? `, ${sampled} of them for measures marked ~` : ''
  return `${label}: ${pairs} pairs of ${dim} elements${part}${readout === null ? '' : `; ${readout}`}`
}

const ARROWS = { higher: '↑', lower: '↓', neither: ' ' } as const

function measureLines({ measures, subjects }: Analysis, figures: AnalysisFigures, width: number): string[] {
  const labels = Math.max(...measures.map(({ label }) => label.length))
  const some = subjects.some(({ pairs, sampled }) => sampled < pairs)
  return measures.flatMap(({ name, label, direction, meaning, sampled }) => {
    const found = figures.find(({ measure, layer }) => measure === name && layer === null)
    if (found === undefined)
      return [`  ${label.padEnd(labels)}     not defined for these vectors, or for so few`]
    const mark = some && sampled ? '~' : ' '
    const line = `${mark} ${label.padEnd(labels)} ${ARROWS[direction]} ${ranged(found.interval)}`
    // How to read it stands beside the figure where there is room, else below.
    const beside = `${line}  ${meaning}`
    return beside.length <= width ? [beside] : [line, `      ${meaning}`]
  })
}

function differenceLines({ measures }: Analysis, figures: AnalysisFigures): string[] {
  const labels = Math.max(...measures.map(({ label }) => label.length))
  return figures
    .filter(({ layer }) => layer === null)
    .map(({ measure, interval }) => {
      const label = measures.find(({ name }) => name === measure)?.label ?? measure
      return `  ${label.padEnd(labels)}  ${ranged(interval)} ${excludesZero(interval) ? '*' : ''}`.trimEnd()
    })
}

/** Measures that are worth a curve in a terminal. */
const CURVES = [
  'recallImageToText',
  'recallMixed',
  'matchedAuc',
  'distributionGap',
  'modalityGap',
  'linearCka',
] as const

function layerLines(figures: AnalysisFigures): string[] {
  const layers = [...new Set(figures.flatMap(({ layer }) => (layer === null ? [] : [layer])))]
  if (layers.length === 0) return []
  const head = `  ${'layer'.padEnd(6)}${CURVES.map((name) => name.padStart(19)).join('')}`
  const rows = layers.map((layer) => {
    const cells = CURVES.map((name) => {
      const found = figures.find((one) => one.layer === layer && one.measure === name)
      return (found === undefined ? '–' : found.interval.value.toFixed(3)).padStart(19)
    })
    return `  ${String(layer).padEnd(6)}${cells.join('')}`
  })
  return [head, ...rows]
}

function remedyLines({ scores }: Analysis, { rows }: Analysis['remedies'][number]): string[] {
  const used = scores.filter(({ name }) => rows[0]?.figures.some(({ score }) => score === name))
  const width = 27
  const head = `  ${'remedy'.padEnd(13)}${used.map(({ label }) => label.padStart(width)).join('')}`
  const lines = rows.map(({ label, setting, figures }) => {
    const cells = used.map(({ name }) => {
      const found = figures.find(({ score }) => score === name)
      if (found === undefined) return '–'.padStart(width)
      const { interval, difference } = found
      const change =
        difference === null
          ? ` [${share(interval.low)}, ${share(interval.high)}]`
          : ` (${signed(difference.low)} to ${signed(difference.high)})${excludesZero(difference) ? '*' : ' '}`
      return `${share(interval.value)}${change}`.padStart(width)
    })
    return `  ${label.padEnd(13)}${cells.join('')}${setting === null ? '' : `  ${setting}`}`
  })
  return [head, ...lines, '  in round brackets: the change against "as is"; * leaves out 0']
}

/** Of many readouts the best ones are shown, and the one in use. */
const SHOWN = 12

function ablationLines({ rows }: Analysis['ablations'][number]): string[] {
  const sorted = rows.toSorted((a, b) => b.interval.value - a.interval.value)
  const shown = new Set(sorted.slice(0, SHOWN))
  const words = sorted
    .filter((row) => shown.has(row) || row.base)
    .map(({ layer, norm, pool, attention, dims, quantize, bytes, base, interval, difference }) => {
      const state = `layer ${layer}, ${norm} the norm, ${pool}, ${attention}`
      const form = `${dims} dims${quantize === 'none' ? '' : `, ${quantize}`}`
      const change =
        base || difference === null
          ? 'in use'
          : `(${signed(difference.low)} to ${signed(difference.high)})${excludesZero(difference) ? '*' : ''}`
      return `  ${share(interval.value).padStart(5)}  ${state.padEnd(52)}  ${form.padEnd(18)} ${String(bytes).padStart(6)} B  ${change}`
    })
  const left = rows.length - words.length
  return left > 0 ? [...words, `  and ${left} more in the JSON (--json, --out)`] : words
}

function predictionLines({ prediction, measures }: Analysis): string[] {
  if (prediction === null) return []
  const { models } = prediction
  if (models.length < FEWEST_MODELS)
    return [`  cannot be told from ${models.length} models: ${FEWEST_MODELS} are needed at least`]
  const labels = Math.max(...measures.map(({ label }) => label.length))
  return prediction.rows.map(({ measure, correlation, adjusted, verdict }) => {
    const label = (measures.find(({ name }) => name === measure)?.label ?? measure).padEnd(labels)
    if (correlation === null) return `  ${label}  the same for all models`
    const p = adjusted === null ? '' : `, p ${adjusted.toFixed(3)}`
    return `  ${label}  ${ranged(correlation)}${p}  ${verdict === 'predicts' ? 'predicts the score' : 'cannot be told'}`
  })
}

function excludesZero({ low, high }: Interval): boolean {
  return low > 0 || high < 0
}

function ranged({ value, low, high }: Interval): string {
  return `${figure(value)}  [${figure(low)}, ${figure(high)}]`
}

function figure(value: number): string {
  const shown = Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3)
  return (Number(shown) === 0 ? '0.000' : shown).replace('-', '−').padStart(6)
}

/** A share in per cent. */
function share(value: number): string {
  return (100 * value).toFixed(1)
}

function signed(value: number): string {
  const shown = share(Math.abs(value))
  return `${value < 0 && Number(shown) > 0 ? '−' : '+'}${shown}`
}
