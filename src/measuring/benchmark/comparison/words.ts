/** @file A comparison in words, for the terminal. */

import colors from 'picocolors'
import type { GateResult } from './gates.ts'
import type { ComparedFlip, ComparedPair, ComparisonReport } from './report.ts'
import { points } from './verdict.ts'

export interface WordsOptions {
  /** Columns of the terminal; default 100. */
  width?: number | undefined
  /** Default: as the terminal can. */
  color?: boolean
}

/** Each pair: its verdict, a table of means and tasks; then rows that were left, and gates. */
export function comparisonWords(
  report: ComparisonReport,
  gates: readonly GateResult[],
  { width = 100, color = colors.isColorSupported }: WordsOptions = {},
): string {
  const paint = colors.createColors(color)
  const parts = report.pairs.flatMap((pair) => [
    paint.bold(pair.verdict),
    ...tableOf(pair, report, width).map((line) => (line.told ? line.text : paint.dim(line.text))),
    ...notesOf(pair, report),
    ...flipWords(pair, 'lost'),
    ...flipWords(pair, 'gained'),
    '',
  ])
  const left = report.left.map(
    ({ task, model, rows, reason }) => `left out: ${rows} rows of ${task} of ${model}: ${reason}`,
  )
  return [...parts, ...report.notes, ...left, ...gates.map(gateWords)].join('\n').trimEnd()
}

interface Line {
  readonly text: string
  /** Whether its difference can be told. */
  readonly told: boolean
}

const HEADS = [
  '',
  'reference',
  'model',
  'difference',
  '95 % interval',
  'detectable',
  'gained/lost',
  'p (Holm)',
]
/** Columns that are left out first where the terminal is narrow. */
const SPARE = [5, 7, 6]

function tableOf(pair: ComparedPair, { metric, setting }: ComparisonReport, width: number): Line[] {
  const figures = (one: ComparedPair['means'][number] | ComparedPair['tasks'][number]) => [
    percent(one.reference),
    percent(one.model),
    points(one.difference.value),
    `${points(one.difference.low)} to ${points(one.difference.high)}`,
    one.detectable === null ? '–' : (100 * one.detectable).toFixed(1),
  ]
  const rows = [
    ...pair.means.map((one) => ({ told: one.outcome, cells: [one.label, ...figures(one), '', ''] })),
    ...pair.tasks.map((one) => ({
      told: one.outcome,
      cells: [
        `  ${one.task}`,
        ...figures(one),
        one.test === null ? '' : `+${one.test.gained} −${one.test.lost}`,
        one.test === null ? '' : shownP(one.test.adjusted),
      ],
    })),
  ]
  const interval = `${Math.round(100 * setting.confidence)} % interval`
  const heads = [`${metric.label}, %`, pair.reference, pair.model, ...HEADS.slice(3)].map((head, i) =>
    i === 4 ? interval : head,
  )
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(({ cells }) => cells[i]!.length)))
  const hidden = new Set<number>()
  const used = () => widths.reduce((sum, one, i) => (hidden.has(i) ? sum : sum + one + 2), -2)
  for (const column of SPARE) if (used() > width) hidden.add(column)
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .filter((_, i) => !hidden.has(i))
      .join('  ')
      .trimEnd()
  return [
    { text: line(heads), told: true },
    ...rows.map(({ told, cells }) => ({ text: line(cells), told: told !== 'cannot-be-told' })),
  ]
}

/** How many tasks can be told apart, with and without the correction for their number. */
function notesOf({ tasks }: ComparedPair, { pairs, setting }: ComparisonReport): string[] {
  const told = tasks.filter(({ outcome }) => outcome !== 'cannot-be-told').length
  const tests = pairs.reduce((sum, pair) => sum + pair.tasks.length, 0)
  if (setting.unpaired)
    return ['different draws of the tasks were compared: pairs of queries would show smaller differences']
  const firm = tasks.filter(({ test }) => test !== null && test.adjusted <= 0.05).length
  const shared = tasks.some(({ queries, clusters }) => clusters < queries)
  return [
    ...(tests < 2
      ? []
      : [
          `${told} of ${tasks.length} tasks can be told apart by themselves, ` +
            `${firm} after Holm's rule for ${tests} tests`,
        ]),
    ...(shared
      ? ['queries that share a picture are drawn together; p-values take queries for independent']
      : []),
  ]
}

function gateWords({ name, reference, model, limit, difference, passed }: GateResult): string {
  const { value, low, high } = difference
  const found = `${points(value)} points, ${points(low)} to ${points(high)}`
  return `${passed ? 'held' : 'FAILED'}: ${model} against ${reference} on ${name}: ${found}; limit ${limit > 0 ? `−${limit}` : '0'}`
}

/** Flips of each kind that the terminal shows of a pair. */
const LISTED = 3

/** The first few queries that one model alone finds, of all tasks in turn. */
function flipWords({ flips }: ComparedPair, kind: 'gained' | 'lost'): string[] {
  const all = flips.flatMap((one) => one[kind].map((flip, place) => ({ task: one.task, flip, place })))
  const count = flips.reduce((sum, one) => sum + one[`${kind}Count`], 0)
  const listed = all.sort((a, b) => a.place - b.place).slice(0, LISTED)
  const wrong = kind === 'gained' ? 'reference' : 'model'
  const lines = listed.map(({ task, flip }) => {
    const found = flip[wrong] === null ? '' : `, not ${told(flip[wrong])}`
    return `    ${task} ${flip.id}: ${told(flip.query)} → ${told(flip.gold)}${found}`
  })
  return lines.length === 0 ? [] : [`  ${kind} (${count}), such as`, ...lines]
}

function told({ text, picture }: ComparedFlip['query']): string {
  const words = text === undefined ? [] : [`"${text.length > 50 ? `${text.slice(0, 49)}…` : text}"`]
  return [...(picture === undefined ? [] : ['picture']), ...words].join(' + ') || 'an item'
}

function percent(share: number): string {
  return (100 * share).toFixed(1)
}

function shownP(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(3)
}
