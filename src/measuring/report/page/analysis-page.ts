/**
 * @file The page of an analysis: measures of each subject, layer curves, differences, remedies,
 * ablations, and which measure predicts the score.
 */

import type { Analysis } from '../../analysis/analysis.ts'
import { measured, percent, percentRange, points, pointsRange } from '../format.ts'
import { excludesZero } from '../lookup.ts'
import type { Aligned, Interval, ResultsModel } from '../results.ts'
import { alignment } from './alignment.ts'
import { canvas, figure, percentages } from './chart.ts'
import { colourOf } from './colour.ts'
import { h, scrolling, section } from './element.ts'
import { pValue } from './flips.ts'
import { header } from './header.ts'
import { intervalDots } from './interval-dots.ts'
import { sortable } from './sortable.ts'

export function analysisPage(analysis: Analysis): HTMLElement {
  const aligned = alignedOf(analysis)
  const sections = [
    alignment(aligned),
    ...analysis.comparisons.map((one, index) => comparison(analysis, one, index)),
    ...analysis.remedies.map((one, index) => remedies(analysis, one, index)),
    ...analysis.ablations.map((one, index) => ablations(analysis, one, index)),
    fused(analysis, aligned),
    prediction(analysis),
    about(analysis),
  ]
  const parts = sections.filter((part) => part !== null)
  return h(
    'div',
    { class: 'page' },
    header(
      {
        kind: 'analysis',
        title: analysis.subjects.map(({ label }) => label).join(' and ') || 'Analysis',
        byline: bylineOf(analysis),
        command: undefined,
        models: [],
        criteria: [],
        verdict: h('div', { class: 'finding' }, h('p', { class: 'sentence' }, sentenceOf(analysis))),
      },
      parts,
      new Map(parts.map((part) => [part.id, part.querySelector('h2')?.textContent ?? part.id])),
    ),
    h('main', {}, ...parts),
    h('footer', {}, h('p', {}, 'All numbers: the JSON file of the analysis.')),
  )
}

const labelOf = ({ subjects }: Analysis, id: string) => subjects.find((one) => one.id === id)?.label ?? id

function bylineOf({ subjects, setting }: Analysis): string {
  const pairs = [...new Set(subjects.map((subject) => subject.pairs.toLocaleString('en')))]
  const drawn = `${setting.resamples.toLocaleString('en')} resamples, seed ${setting.seed}`
  return `${pairs.join(', ')} pairs of image and text, ${drawn}`
}

/** The strongest thing that the analysis can say, with its interval. */
function sentenceOf(analysis: Analysis): string {
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

const scoreLabel = ({ scores }: Analysis, name: string) =>
  scores.find((one) => one.name === name)?.label ?? name

/** Subjects as models of the page: nobody says how they were trained. */
function alignedOf({ subjects, measures }: Analysis): Aligned {
  return {
    models: subjects.map(
      ({ id, label, readout }): ResultsModel => ({
        id,
        label,
        role: 'checkpoint',
        state: 'none',
        family: null,
        objective: 'none',
        attention: 'none',
        hash: null,
        parameters: null,
        ...(readout === null ? {} : { readout }),
      }),
    ),
    measures: measures.map(({ name, label, direction, meaning, source }) => ({
      name,
      label,
      direction,
      meaning,
      source,
    })),
    alignment: subjects.flatMap(({ id, figures }) => figures.map((one) => ({ model: id, ...one }))),
  }
}

type Cell = HTMLElement | string
const heads = (names: readonly string[]) =>
  h('thead', {}, h('tr', {}, ...names.map((name) => h('th', { scope: 'col' }, name))))

function table(label: string, names: readonly string[], rows: readonly (readonly Cell[])[]): HTMLElement {
  const body = rows.map(([first = '', ...cells]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row', ...(typeof first === 'string' ? { 'data-value': first } : {}) }, first),
      ...cells.map((cell) => (typeof cell === 'string' ? h('td', { class: 'text' }, cell) : cell)),
    ),
  )
  return scrolling(label, sortable(h('table', {}, heads(names), h('tbody', {}, ...body))))
}

/** A figure with its interval below; bold where it excludes zero and that means something. */
function intervalCell(
  interval: Interval | null,
  [value, range]: [(value: number) => string, (interval: Interval) => string],
  bold = false,
): HTMLElement {
  if (interval === null) return h('td', { class: 'absent' }, '–')
  const strong = bold && excludesZero(interval)
  return h(
    'td',
    { 'data-value': String(interval.value), ...(strong ? { class: 'strong' } : {}) },
    value(interval.value),
    h('small', {}, range(interval)),
  )
}

const plain = [measured, ({ low, high }: Interval) => `${measured(low)} to ${measured(high)}`] satisfies [
  (value: number) => string,
  (interval: Interval) => string,
]
const inPercent = [percent, percentRange] satisfies typeof plain
const inPoints = [points, pointsRange] satisfies typeof plain

function comparison(
  analysis: Analysis,
  { a, b, figures }: Analysis['comparisons'][number],
  index: number,
): HTMLElement | null {
  const own = figures.filter(({ layer }) => layer === null)
  if (own.length === 0) return null
  const names = `${labelOf(analysis, a)} − ${labelOf(analysis, b)}`
  return section(
    `difference-${index + 1}`,
    names,
    figure(
      'Paired differences of measures',
      'On the same pairs and the same draws; the 95 % interval stands below each. Bold where it excludes ' +
        'zero; the others decide nothing.',
      table(
        names,
        ['Measure', 'Better is', 'Difference'],
        own.map(({ measure, interval }) => {
          const found = analysis.measures.find(({ name }) => name === measure)
          return [found?.label ?? measure, found?.direction ?? '', intervalCell(interval, plain, true)]
        }),
      ),
    ),
  )
}

function remedies(
  analysis: Analysis,
  { subject, fitted, scored, rows }: Analysis['remedies'][number],
  index: number,
): HTMLElement {
  const scores = [...new Set(rows.flatMap(({ figures }) => figures.map(({ score }) => score)))]
  const [first] = scores
  const drawn = rows.flatMap(({ label, figures }) => {
    const difference = figures.find(({ score }) => score === first)?.difference
    return difference === null || difference === undefined
      ? []
      : [
          {
            name: label,
            ...percentages(difference),
            colour: excludesZero(difference) ? 'var(--ink)' : 'var(--control)',
          },
        ]
  })
  return section(
    `remedies-${index + 1}`,
    `Remedies: ${labelOf(analysis, subject)}`,
    h(
      'p',
      {},
      `Changes of the vectors without a new training, fitted on ${fitted.toLocaleString('en')} pairs and ` +
        `scored on ${scored.toLocaleString('en')} others.`,
    ),
    drawn.length === 0 || first === undefined
      ? null
      : figure(
          `Change of ${scoreLabel(analysis, first)}, points`,
          'Against the vectors as they are; bars are 95 % intervals. Grey bars hold zero: they decide nothing.',
          canvas(`Change of ${first} by each remedy`, (width) => intervalDots(drawn, width, { zero: true })),
        ),
    figure(
      'Scores in per cent',
      'The 95 % interval stands below each score.',
      table(
        'Scores of remedies',
        ['Remedy', ...scores.map((score) => scoreLabel(analysis, score))],
        rows.map(({ label, setting, figures }) => [
          setting === null ? label : `${label}, ${setting}`,
          ...scores.map((score) =>
            intervalCell(figures.find((one) => one.score === score)?.interval ?? null, inPercent),
          ),
        ]),
      ),
    ),
  )
}

function ablations(
  analysis: Analysis,
  { subject, score, rows }: Analysis['ablations'][number],
  index: number,
): HTMLElement {
  const number = (value: number) => h('td', { 'data-value': String(value) }, value.toLocaleString('en'))
  return section(
    `ablations-${index + 1}`,
    `Readouts: ${labelOf(analysis, subject)}`,
    figure(
      `${scoreLabel(analysis, score)} of other readouts`,
      'The first row of each kind that is marked is the readout in use; differences are to it, in points, ' +
        'with their 95 % intervals; bold where zero is excluded. Press a head to sort.',
      table(
        'Readouts',
        [
          'Layer',
          'Norm',
          'Pooling',
          'Attention',
          'Dims',
          'Numbers',
          'Bytes',
          'Score, %',
          'Difference, points',
        ],
        rows.map((row) => [
          `${row.layer}${row.base ? ' (in use)' : ''}`,
          row.norm,
          row.pool,
          row.attention,
          number(row.dims),
          row.quantize === 'none' ? 'f32' : row.quantize,
          number(row.bytes),
          intervalCell(row.interval, inPercent),
          intervalCell(row.difference, inPoints, true),
        ]),
      ),
    ),
  )
}

function fused(analysis: Analysis, { models }: Aligned): HTMLElement | null {
  const shown = analysis.fused.filter(({ figures }) => figures.length > 0)
  if (shown.length === 0) return null
  return section(
    'fused',
    'Items with both text and picture',
    ...shown.map(({ subject, side, items, figures }) => {
      const model = models.find(({ id }) => id === subject)
      const colour = model === undefined ? 'var(--ink)' : colourOf({ models }, model)
      const title = `${labelOf(analysis, subject)}, ${side}: ${items.toLocaleString('en')} items`
      return figure(
        title,
        figures.map(({ label, meaning }) => `${label}: ${meaning}`).join(' '),
        canvas(title, (width) =>
          intervalDots(
            figures.map(({ label, interval }) => ({ name: label, ...interval, colour })),
            width,
          ),
        ),
      )
    }),
  )
}

function prediction({ prediction, measures }: Analysis): HTMLElement | null {
  if (prediction === null) return null
  return section(
    'prediction',
    'Which measure predicts the score',
    figure(
      `Rank correlation with ${prediction.score}, over ${prediction.models.length} models`,
      'Spearman’s, with its 95 % interval over models; p by permutation, adjusted for the number of ' +
        'measures (Holm). Bold where the adjusted p is below 0.05. With few models only strong relations show.',
      table(
        'Prediction',
        ['Measure', 'Rank correlation', 'p', 'p, adjusted', 'Verdict'],
        prediction.rows.map(({ measure, correlation, p, adjusted, verdict }) => [
          measures.find(({ name }) => name === measure)?.label ?? measure,
          intervalCell(correlation, plain),
          ...[p, adjusted].map((value, i) =>
            value === null
              ? h('td', { class: 'absent' }, '–')
              : h(
                  'td',
                  { 'data-value': String(value), ...(i === 1 && value < 0.05 ? { class: 'strong' } : {}) },
                  pValue(value),
                ),
          ),
          verdict === 'predicts' ? 'predicts' : 'cannot be told',
        ]),
      ),
    ),
  )
}

function about({ subjects, measures, inputs, notes }: Analysis): HTMLElement {
  return section(
    'about',
    'What was measured',
    table(
      'Subjects',
      ['Subject', 'Readout', 'Dims', 'Pairs', 'Sampled', 'Groups'],
      subjects.map(({ label, readout, dim, pairs, sampled, clusters }) => [
        label,
        readout ?? '–',
        ...[dim, pairs, sampled, clusters].map((count) =>
          h('td', { 'data-value': String(count) }, count.toLocaleString('en')),
        ),
      ]),
    ),
    table(
      'Measures',
      ['Measure', 'Formula', 'Better is', 'Source'],
      measures.map(({ label, formula, direction, source }) => [
        label,
        h('td', { class: 'text wide' }, h('code', {}, formula)),
        direction,
        h('td', { class: 'text wide' }, source),
      ]),
    ),
    h('p', { class: 'meaning' }, `Read: ${inputs.map(({ role, name }) => `${role} ${name}`).join(', ')}.`),
    notes.length === 0
      ? null
      : h(
          'div',
          { class: 'notes' },
          h('h3', {}, 'Notes'),
          h('ul', {}, ...notes.map((note) => h('li', {}, note))),
        ),
  )
}
