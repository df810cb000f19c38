/** @file Tables of a tuning: its data, what was trained, and every setting. */

import type { TuningRecord } from '../../../learning/tuning/job/record-form.ts'
import { percent } from '../format.ts'
import { type Child, h, more, scrolling, section } from './element.ts'

const whole = (value: number) => value.toLocaleString('en')

export function dataTables({ data, curve, skipped }: TuningRecord): HTMLElement {
  const seen = new Map<string, number>()
  for (const { sources = {} } of curve)
    for (const [name, pairs] of Object.entries(sources)) seen.set(name, (seen.get(name) ?? 0) + pairs)
  const all = [...seen.values()].reduce((sum, pairs) => sum + pairs, 0)
  const rows = data.map(({ name, train, dev, weight, fingerprint }) => [
    name,
    whole(train),
    whole(dev),
    String(weight),
    seen.has(name) ? `${percent(seen.get(name)! / all)}` : '–',
    fingerprint.slice(0, 12),
  ])
  const head = ['Source', 'Training pairs', 'Dev pairs', 'Weight', 'Share of batches, %', 'sha256']
  const left = skipped.first.map(({ source, row, code, message }) => [source, String(row + 1), code, message])
  return section(
    'data',
    'Data',
    table('Sources of pairs', head, rows),
    skipped.pairs === 0
      ? null
      : more(
          `${whole(skipped.pairs)} ${skipped.pairs === 1 ? 'pair' : 'pairs'} could not be read and ${skipped.pairs === 1 ? 'was' : 'were'} left out`,
          table('Pairs that were left out', ['Source', 'Pair', 'Code', 'Reason'], left, [2, 3]),
        ),
  )
}

export function trainedTable({ trained, model }: TuningRecord): HTMLElement {
  const rows = trained.modules.map(({ kind, modules, parameters }) => [
    kind,
    whole(modules),
    whole(parameters),
  ])
  return section(
    'trained',
    'Trained parameters',
    h(
      'p',
      {},
      `${whole(trained.parameters)} numbers are trained, beside ${whole(model.parameters)} of the model. Their sha256 begins with `,
      h('code', {}, trained.sha256.slice(0, 12)),
      '.',
    ),
    table('Trained parameters by kind of module', ['Module', 'Modules', 'Numbers'], rows),
  )
}

export function settingsTable({ settings }: TuningRecord): HTMLElement {
  const rows = flattened(settings).map(([name, value]) => [name, value])
  return section(
    'settings',
    'Settings',
    h('p', {}, 'Every setting under its key in a configuration file, defaults included.'),
    table('Settings', ['Key', 'Value'], rows, [1]),
  )
}

/** `{ loss: { name: 'infonce' } }` → `[['loss.name', 'infonce']]`. */
function flattened(value: unknown, path = ''): [string, string][] {
  if (Array.isArray(value) && value.some((one) => typeof one === 'object' && one !== null))
    return value.flatMap((one, i) => flattened(one, `${path}[${i}]`))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, wordsOf(value)]]
  return Object.entries(value).flatMap(([key, one]) => flattened(one, path === '' ? key : `${path}.${key}`))
}

function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ')
  return value === null ? '–' : String(value)
}

/** @param words columns of words, beside the first */
function table(
  label: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly number[] = [],
): HTMLElement {
  const cell = (text: string, column: number): Child =>
    column === 0
      ? h('th', { scope: 'row' }, text)
      : h('td', words.includes(column) ? { class: 'text wide words' } : {}, text)
  return scrolling(
    label,
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...head.map((name, column) =>
            h('th', { scope: 'col', ...(words.includes(column) && { class: 'text' }) }, name),
          ),
        ),
      ),
      h('tbody', {}, ...rows.map((row) => h('tr', {}, ...row.map(cell)))),
    ),
  )
}
