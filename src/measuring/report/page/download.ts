/** @file The numbers of the page as files: everything as JSON, the scores as CSV. */

import { modelName, scopeName } from '../format.ts'
import type { Measured } from '../results.ts'
import { h } from './element.ts'

/** Two buttons. */
export function downloads(results: Measured): HTMLElement {
  const button = (label: string, name: string, type: string, content: () => string) => {
    const made = h('button', { type: 'button', class: 'download' }, label)
    made.addEventListener('click', () => save(name, new Blob([content()], { type })))
    return made
  }
  return h(
    'p',
    { class: 'downloads' },
    button('Download all numbers (JSON)', 'results.json', 'application/json', () =>
      JSON.stringify(results, undefined, 2),
    ),
    button('Download the scores (CSV)', 'scores.csv', 'text/csv', () => scoresCsv(results)),
  )
}

/** Hands a file to the reader. */
export function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob)
  h('a', { href: url, download: name }).click()
  // The browser reads the address after the click: take it back once it has.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** A line for each score, mean and paired difference of hit@1, and for each mean of a metric. */
export function scoresCsv(results: Measured): string {
  const { scores, means, differences } = results
  const rows: (string | number)[][] = [['quantity', 'model', 'over', 'value', 'low', 'high']]
  for (const { model, task, hit1, metrics } of scores) {
    rows.push(['hit1', modelName(results, model), task, hit1.value, hit1.low, hit1.high])
    for (const [metric, value] of Object.entries(metrics))
      if (metric !== 'hit1') rows.push([metric, modelName(results, model), task, value, '', ''])
  }
  for (const { model, scope, hit1 } of means)
    rows.push(['mean hit1', modelName(results, model), scopeName(scope), hit1.value, hit1.low, hit1.high])
  for (const { a, b, scope, interval } of differences) {
    const pair = `${modelName(results, a)} − ${modelName(results, b)}`
    rows.push(['difference of hit1', pair, scopeName(scope), interval.value, interval.low, interval.high])
  }
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** RFC 4180. */
function cell(value: string | number): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
