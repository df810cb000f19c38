/** @file Scores of runs as tables: CSV, JSON, Markdown. */

import type { Interval } from '../../../foundation/numeric/bootstrap.ts'
import type { RunOperand } from '../comparison/operands.ts'
import { metricLabel, metricLabels } from '../metrics.ts'

/** One model on one task, or on the mean of several. */
export interface ScoreRecord {
  readonly model: string
  readonly label: string
  readonly kind: 'task' | 'mean'
  /** Of the task or the mean. */
  readonly name: string
  readonly suite: string
  readonly metaTask: string
  readonly domain: string
  /** Queries of the task; of a mean, its tasks. */
  readonly count: number
  /** In [0, 1], with its 95 % interval. */
  readonly hit1: Interval
  /** In [0, 1], by their names in the table of metrics. */
  readonly metrics: Readonly<Record<string, number>>
}

/** All scores of the operands: of each its tasks, then its means. */
export function scoreRecords(operands: readonly RunOperand[]): ScoreRecord[] {
  return operands.flatMap(({ id, label, run, model }) => {
    const { scores, means } = run.results
    const byTask = scores
      .filter((score) => score.model === model.id)
      .map(({ task: name, hit1, metrics }): ScoreRecord => {
        const task = run.tasks.find((one) => one.name === name)
        const { suite = '', metaTask = '', domain = '', queries: count = 0 } = task ?? {}
        return { model: id, label, kind: 'task', name, suite, metaTask, domain, count, hit1, metrics }
      })
    const byMean = means
      .filter((mean) => mean.model === model.id)
      .map(({ name, tasks, hit1, metrics }): ScoreRecord => {
        const words = { suite: '', metaTask: '', domain: '' }
        return { model: id, label, kind: 'mean', name, ...words, count: tasks.length, hit1, metrics }
      })
    return [...byTask, ...byMean]
  })
}

/** A row for each model and task or mean, as RFC 4180 has it. */
export function csvTable(records: readonly ScoreRecord[]): string {
  const metrics = metricLabels().map(({ name }) => name)
  const head = [
    'model',
    'label',
    'kind',
    'name',
    'suite',
    'meta_task',
    'domain',
    'count',
    'hit1_low',
    'hit1_high',
    ...metrics,
  ]
  const rows = records.map((one) => [
    one.model,
    one.label,
    one.kind,
    one.name,
    one.suite,
    one.metaTask,
    one.domain,
    one.count,
    one.hit1.low,
    one.hit1.high,
    ...metrics.map((name) => (name === 'hit1' ? one.hit1.value : (one.metrics[name] ?? ''))),
  ])
  return [head, ...rows].map((cells) => cells.map(csvCell).join(',')).join('\r\n')
}

function csvCell(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/**
 * A row for each task and mean, a column for each model, in per cent; hit@1 with its interval.
 * @throws BenchmarkError `benchmark/no-metric`
 */
export function markdownTable(records: readonly ScoreRecord[], metric = 'hit1'): string {
  const labels = [...new Set(records.map(({ label }) => label))]
  const names = [...new Set(records.map(({ kind, name }) => `${kind} ${name}`))]
  const cell = (row: string, label: string) => {
    const found = records.find((one) => one.label === label && `${one.kind} ${one.name}` === row)
    if (found === undefined) return '–'
    const other = found.metrics[metric]
    if (metric !== 'hit1') return other === undefined ? '–' : percent(other)
    const { value, low, high } = found.hit1
    return `${percent(value)} (${percent(low)}–${percent(high)})`
  }
  const lines = names.map((row) => {
    const [, kind, name = ''] = /^(task|mean) (.*)$/s.exec(row) ?? []
    const title = kind === 'mean' ? `**mean: ${escaped(name)}**` : escaped(name)
    return `| ${[title, ...labels.map((label) => cell(row, label))].join(' | ')} |`
  })
  return [
    `| ${[`${metricLabel(metric)}, %`, ...labels.map(escaped)].join(' | ')} |`,
    `|---|${labels.map(() => '---:').join('|')}|`,
    ...lines,
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}

function percent(share: number): string {
  return (100 * share).toFixed(1)
}
