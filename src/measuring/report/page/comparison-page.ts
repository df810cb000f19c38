/** @file The page of a comparison: every pair's verdict, differences, numbers and flips. */

import type { ComparedPair, ComparisonReport } from '../../benchmark/comparison/report.ts'
import { percent } from '../format.ts'
import type { Results, ResultsModel, Scope } from '../results.ts'
import { figure } from './chart.ts'
import { colourOf } from './colour.ts'
import { flipColumn } from './comparison-flips.ts'
import { labelOf, numbers } from './comparison-table.ts'
import { differenceChart } from './differences.ts'
import { h, noteList, scrolling, section } from './element.ts'
import { header } from './header.ts'
import { verdict } from './verdict.ts'

export function comparisonPage(report: ComparisonReport): HTMLElement {
  const models = report.models.map(modelRow)
  const parts = [
    ...report.pairs.flatMap((pair, index) => pairSections(report, models, pair, index)),
    about(report),
  ]
  const [first] = report.pairs
  return h(
    'div',
    { class: 'page' },
    header(
      {
        kind: 'comparison',
        title: models.map(({ label }) => label).join(' against '),
        byline: bylineOf(report),
        command: undefined,
        models,
        criteria: [],
        verdict: first === undefined ? h('div') : verdictOf(report, models, first),
      },
      parts,
      new Map(parts.map((part) => [part.id, part.querySelector('h2')?.textContent ?? part.id])),
    ),
    h('main', {}, ...parts),
    h('footer', {}, h('p', {}, 'All numbers: comparison.json beside this page.')),
  )
}

function modelRow({
  id,
  label,
  family,
  objective,
  attention,
  readout,
  fingerprint,
}: ComparisonReport['models'][number]) {
  const known = <T extends string>(value: string, all: readonly T[]): T | 'none' =>
    all.find((one) => one === value) ?? 'none'
  return {
    id,
    label,
    role: 'checkpoint' as const,
    state: 'none' as const,
    family,
    objective: known(objective, ['autoregressive', 'diffusion', 'contrastive'] as const),
    attention: known(attention, ['causal', 'bidirectional', 'block'] as const),
    hash: fingerprint,
    parameters: null,
    readout,
  } satisfies ResultsModel
}

function bylineOf({ tasks, metric, setting }: ComparisonReport): string {
  const queries = tasks.reduce((sum, task) => sum + task.queries, 0)
  const kind = setting.unpaired ? 'rows of different draws' : 'query by query'
  const over = `${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}`
  return `${metric.label}, ${over}, ${queries.toLocaleString('en')} queries, ${kind}`
}

function verdictOf(report: ComparisonReport, models: ResultsModel[], pair: ComparedPair): HTMLElement {
  const overall = pair.means.find(({ name }) => name === 'all') ?? pair.means.at(-1) ?? pair.tasks[0]
  if (overall === undefined) return h('div')
  const end = (id: string) => {
    const model = models.find((one) => one.id === id)
    return {
      label: labelOf(report, id),
      colour: model === undefined ? 'var(--control)' : colourOf({ models }, model),
    }
  }
  return verdict(
    {
      sentence: pair.verdict,
      quantity:
        `${labelOf(report, pair.model)} − ${labelOf(report, pair.reference)}, ` +
        `${report.metric.label} over all tasks`,
      interval: overall.difference,
      otherSeeds: [],
      caveats:
        overall.detectable === null || overall.outcome === 'cannot-be-told'
          ? []
          : [
              `With these queries a true difference of ${percent(overall.detectable)} points would be seen in ` +
                'four of five cases; a smaller one is likely to be missed.',
            ],
    },
    { a: end(pair.model), b: end(pair.reference) },
  )
}

function pairSections(
  report: ComparisonReport,
  models: ResultsModel[],
  pair: ComparedPair,
  index: number,
): HTMLElement[] {
  const { reference: b, model: a } = pair
  const rows: Results['differences'] = [
    ...pair.means.map(({ name, label, difference }) => ({
      a,
      b,
      scope: scopeOf(name, label),
      interval: difference,
    })),
    ...pair.tasks.map(({ task, difference }) => ({
      a,
      b,
      scope: { kind: 'task' as const, task },
      interval: difference,
    })),
  ]
  const names = `${labelOf(report, a)} − ${labelOf(report, b)}`
  const flipped = pair.flips.filter(({ gained, lost }) => gained.length + lost.length > 0)
  return [
    section(
      `pair-${index + 1}`,
      names,
      index === 0 ? null : h('p', { class: 'sentence' }, pair.verdict),
      figure(
        `Differences in ${report.metric.label}`,
        'Each bar is the 95 % interval of a difference; thick bars are means. Right of zero the first ' +
          'scores higher, left of it the second; bars that cross zero are grey: they decide nothing.',
        differenceChart({ models }, { a, b, rows }, report.metric.label),
      ),
      numbers(report, pair),
    ),
    ...(flipped.length === 0
      ? []
      : [
          section(
            `flips-${index + 1}`,
            `Flips: ${names}`,
            h(
              'p',
              {},
              'Queries on which the two part: those that the first model gained over the second, and ' +
                'those that it lost.',
            ),
            h(
              'div',
              { class: 'columns' },
              flipColumn(report, pair, 'gained'),
              flipColumn(report, pair, 'lost'),
            ),
          ),
        ]),
  ]
}

function scopeOf(name: string, label: string): Scope {
  if (name === 'all' || name === 'in-domain') return { kind: name }
  for (const metaTask of ['classification', 'vqa', 'retrieval', 'grounding'] as const)
    if (metaTask === name) return { kind: 'metaTask', metaTask }
  return { kind: 'average', average: label }
}

function about({ models, notes, left, setting }: ComparisonReport): HTMLElement {
  return section(
    'models',
    'Models',
    scrolling(
      'Models',
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ...['Model', 'Run', 'Objective', 'Attention', 'Readout', 'Fingerprint'].map((head) =>
              h('th', { scope: 'col', class: 'text' }, head),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          ...models.map(({ label, run, objective, attention, readout, fingerprint }) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, label),
              ...[run, objective, attention, readout, fingerprint?.slice(0, 12) ?? '–'].map((text) =>
                h('td', { class: 'text' }, text),
              ),
            ),
          ),
        ),
      ),
    ),
    h(
      'p',
      { class: 'meaning' },
      `Intervals: ${Math.round(100 * setting.confidence)} %, ${setting.resamples.toLocaleString('en')} ` +
        `resamples of groups of queries, seed ${setting.seed}.`,
    ),
    noteList('Notes', notes),
    noteList(
      'Left out',
      left.map(({ task, model, rows, reason }) => `${rows} rows of ${task}, ${model}: ${reason}`),
    ),
  )
}
