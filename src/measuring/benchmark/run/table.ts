/** @file The table of a run for the terminal: tasks by models, in per cent. */

import type { RunResults } from './files.ts'

const TITLE = 'hit@1 in per cent (95 %)'
const GAP = '  '
const MINUS = '−'

type Interval = RunResults['scores'][number]['hit1']
type Published = Pick<RunResults['published'][number], 'model' | 'score' | 'source'>

/**
 * A row for each task and each mean, a column for each model: hit@1, or the metric that is
 * published for the task, with its 95 % interval. Where ties make a difference, the two other
 * rules for ties stand behind it: the first of the tied wins, as published, and a tie is lost.
 * Scores that others published for the model stand in rows below.
 * Models that do not fit into `width` are named below.
 */
export function runTable(results: RunResults, { width = 120 }: { width?: number } = {}): string {
  const { models, tasks, scores, means, further, furtherScores, metrics } = results
  const { published, publishedMeans } = results
  const labelOf = (metric: string) => metrics.find(({ name }) => name === metric)?.label ?? metric
  const rows: { label: string; cells: string[] }[] = []
  const add = (label: string, cell: (model: string) => string | undefined) =>
    rows.push({ label, cells: models.map(({ id }) => cell(id) ?? '') })
  const addPublished = (all: readonly Published[]) => {
    for (const source of new Set(all.map((one) => one.source)))
      add(`  published, ${source.split(',')[0]}`, (model) => {
        const found = all.find((one) => one.model === model && one.source === source)
        return found && percent(found.score)
      })
  }
  for (const task of tasks) {
    const metric = task.metric === 'hit1' ? '' : ` (${labelOf(task.metric)})`
    add(`${task.name}${metric}`, (model) => {
      const found = scores.find((one) => one.model === model && one.task === task.name)
      return found && figure(found.headline) + ties(found.metrics)
    })
    for (const { name, label } of furtherScores) {
      const own = further.filter((one) => one.task === task.name && one.score === name)
      if (own.length === 0) continue
      add(`  ${label}`, (model) => {
        const found = own.find((one) => one.model === model)
        return found && figure(found.interval)
      })
    }
    addPublished(published.filter((one) => one.task === task.name))
  }
  for (const name of new Set(means.map((mean) => mean.name))) {
    const own = means.filter((mean) => mean.name === name)
    add(`mean of ${own[0]?.tasks.length}: ${own[0]?.label}`, (model) => {
      const found = own.find((one) => one.model === model)
      return found && figure(found.headline)
    })
    addPublished(publishedMeans.filter(({ mean }) => mean === name))
  }
  add('chance, mean of all', () => percent(sum(tasks.map(({ chance }) => chance)) / tasks.length))
  return laidOut(
    rows,
    models.map(({ label }) => label),
    width,
  )
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}

function percent(value: number): string {
  const text = Math.abs(100 * value).toFixed(1)
  return value < 0 && Number(text) !== 0 ? `${MINUS}${text}` : text
}

function figure({ value, low, high }: Interval): string {
  return `${percent(value)} (${percent(low)} to ${percent(high)})`
}

function ties({ hit1, firstWins, strict }: Readonly<Record<string, number>>): string {
  if (hit1 === undefined || firstWins === undefined || strict === undefined) return ''
  const same = percent(hit1) === percent(firstWins) && percent(hit1) === percent(strict)
  return same ? '' : ` [${percent(firstWins)}, ${percent(strict)}]`
}

function laidOut(
  rows: readonly { label: string; cells: readonly string[] }[],
  heads: readonly string[],
  width: number,
): string {
  const first = Math.max(TITLE.length, ...rows.map(({ label }) => label.length))
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(({ cells }) => cells[i]!.length)))
  let [shown, used] = [0, first]
  for (const own of widths) {
    used += GAP.length + own
    if (used > width && shown > 0) break
    shown += 1
  }
  const line = (label: string, cells: readonly string[]) =>
    [label.padEnd(first), ...cells.slice(0, shown).map((cell, i) => cell.padEnd(widths[i]!))]
      .join(GAP)
      .trimEnd()
  const left = heads.slice(shown)
  return [
    line(TITLE, heads),
    ...rows.map(({ label, cells }) => line(label, cells)),
    ...(left.length === 0 ? [] : [`not shown for want of width: ${left.join(', ')}`]),
  ].join('\n')
}
