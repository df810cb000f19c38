/** @file The card of the chosen item: the query, its right answer, the answer of each model. */

import { type Explorer, type ExplorerModel, isHit } from '../../explorer.ts'
import { type Child, h } from '../element.ts'
import type { Pictures } from './pictures.ts'
import { rowsWith } from './view.ts'

/** A model of the page beside its part of the explorer. */
export interface ShownModel {
  readonly model: ExplorerModel
  readonly label: string
  readonly colour: string
}

/** Queries of an answer that the card lists. */
const MOST_QUERIES = 8

export interface DetailOptions {
  readonly explorer: Explorer
  readonly pictures: Pictures
  readonly models: readonly ShownModel[]
  readonly task: number | null
  readonly choose: (item: number, row?: number) => void
}

/** An item in a line: its picture and its words. */
export function shownItem(
  { items }: Explorer,
  pictures: Pictures,
  index: number,
  kind: string,
  title: Child,
): HTMLElement {
  const { text, picture } = items[index] ?? {}
  const source = pictures.source(picture)
  return h(
    'div',
    { class: `example ${kind}` },
    source === undefined
      ? null
      : h('img', { src: source, alt: text ?? 'picture', width: '64', height: '64', loading: 'lazy' }),
    h('div', {}, h('small', {}, title), text === undefined ? null : h('span', {}, text)),
  )
}

/** Of a query: the row. Of an answer: the queries that it answers. */
export function detail(options: DetailOptions, item: number, row: number | undefined): HTMLElement {
  const queries = rowsWith(options.explorer, item, 'query', options.task)
  const shown = row ?? queries[0]
  return shown === undefined ? answerCard(options, item) : rowCard(options, shown, queries)
}

function rowCard(options: DetailOptions, index: number, peers: readonly number[]): HTMLElement {
  const { explorer, pictures, models, choose } = options
  const row = explorer.rows[index]!
  const others = peers.filter((one) => one !== index)
  const next = peers[(peers.indexOf(index) + 1) % peers.length]
  return h(
    'article',
    { class: 'failure chosen-row' },
    h(
      'div',
      { class: 'failure-head' },
      h('span', {}, explorer.tasks[row.task] ?? ''),
      h('small', {}, row.id),
    ),
    shownItem(explorer, pictures, row.query, 'query', 'Query'),
    h(
      'div',
      { class: 'answers' },
      shownItem(explorer, pictures, row.gold, 'expected', 'Right answer'),
      ...models.map((one) => modelAnswer(options, one, index)),
    ),
    others.length === 0 || next === undefined
      ? null
      : button(`The same query stands in ${others.length} more rows: the next one`, () =>
          choose(row.query, next),
        ),
  )
}

function modelAnswer(
  { explorer, pictures }: DetailOptions,
  { model, label, colour }: ShownModel,
  index: number,
) {
  const [hit, nearest] = [model.hits[index], model.nearest[index]]
  if (typeof hit !== 'number' || typeof nearest !== 'number') return null
  const right = isHit(hit)
  const name = h('b', { style: `color: ${colour}` }, label)
  if (right) return h('div', { class: 'example expected' }, h('div', {}, h('small', {}, name, ' is right ✓')))
  const words = hit > 0 ? ' has the right answer tied with others ✗' : ' put first ✗'
  return shownItem(explorer, pictures, nearest, 'got', h('span', {}, name, words))
}

function answerCard({ explorer, pictures, models, task, choose }: DetailOptions, item: number): HTMLElement {
  const right = rowsWith(explorer, item, 'gold', task)
  const inTask = (index: number) => task === null || explorer.rows[index]!.task === task
  const wrongly = models.map(({ model, label }) => {
    const found = right.filter((index) => isHit(model.hits[index] ?? 0)).length
    const taken = model.nearest.filter(
      (one, index) => one === item && inTask(index) && !isHit(model.hits[index] ?? 0),
    ).length
    return h(
      'li',
      {},
      `${label} finds it for ${found} of ${right.length} ${right.length === 1 ? 'query' : 'queries'} that it ` +
        `answers, and puts it first for ${taken} other ${taken === 1 ? 'query' : 'queries'}.`,
    )
  })
  return h(
    'article',
    { class: 'failure chosen-row' },
    shownItem(explorer, pictures, item, 'query', 'Answer'),
    h('ul', { class: 'counts' }, ...wrongly),
    right.length === 0 ? null : h('small', {}, 'Its queries:'),
    h(
      'div',
      { class: 'found' },
      ...right.slice(0, MOST_QUERIES).map((index) => {
        const { query, id } = explorer.rows[index]!
        return button(wordsOf(explorer, query) ?? id, () => choose(query, index))
      }),
      right.length > MOST_QUERIES ? h('small', {}, `and ${right.length - MOST_QUERIES} more`) : null,
    ),
  )
}

/** An item's words, cut to a line. */
export function wordsOf({ items }: Explorer, index: number, most = 60): string | undefined {
  const text = items[index]?.text
  return text === undefined || text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

export function button(label: string, act: () => void): HTMLButtonElement {
  const made = h('button', { type: 'button', class: 'plain' }, label)
  made.addEventListener('click', act)
  return made
}
