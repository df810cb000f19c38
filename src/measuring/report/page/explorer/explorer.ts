/**
 * @file The explorer: the maps of two models side by side with one selection, a search, and the
 * chosen row.
 */

import { type Explorer, isHit } from '../../explorer.ts'
import { key } from '../chart.ts'
import { h } from '../element.ts'
import { button, detail, type ShownModel, wordsOf } from './detail.ts'
import { Pictures } from './pictures.ts'
import { type Scatter, scatter } from './scatter.ts'
import {
  type Choices,
  type Lines,
  layoutOf,
  linesOf,
  type ModelView,
  modelView,
  rowsOf,
  rowsWith,
  search,
} from './view.ts'

/** Items of a search that are listed. */
const MOST_FOUND = 12

export interface ExplorerWords {
  /** Of a mark that is a query, and of one that is an answer. */
  readonly query: string
  readonly answer: string
}

export interface MadeExplorer {
  readonly element: HTMLElement
  /** Chooses a row in both maps, and its task. */
  readonly choose: (row: number) => void
}

/** @param models in the order of their menus; the first two are shown */
export function explorer(data: Explorer, models: readonly ShownModel[], words: ExplorerWords): MadeExplorer {
  const pictures = new Pictures(data.pictures)
  const judged = models.some(({ model }) => model.hits.some((hit) => hit !== null))
  const methods = [...new Set(models.flatMap(({ model }) => model.layouts.map(({ method }) => method)))]
  let choices: Choices = {
    task: data.tasks.length > 1 && judged ? busiestTask(data) : null,
    method: methods[0] ?? 'pca',
    lines: 'chosen',
    item: undefined,
    row: undefined,
    found: undefined,
  }
  const shown = models.slice(0, 2)
  const panels = shown.map((_, place) => panel(place))
  const card = h('div', { class: 'chosen', role: 'status' })
  const results = h('div', { class: 'found' })

  function update(change: Partial<Choices>): void {
    choices = { ...choices, ...change }
    for (const each of panels) each.update()
    card.replaceChildren(
      choices.item === undefined
        ? h('p', { class: 'meaning' }, 'Nothing is chosen. Press a mark, or search.')
        : detail(
            { explorer: data, pictures, models: shown, task: choices.task, choose },
            choices.item,
            choices.row,
          ),
    )
  }
  function choose(item: number | undefined, row?: number): void {
    update({
      item,
      row: row ?? (item === undefined ? undefined : rowsWith(data, item, 'query', choices.task)[0]),
    })
  }

  function panel(place: number): { element: HTMLElement; update: () => void } {
    const state = h('small')
    const title = h('div', { class: 'panel-title' })
    const holder = h('div')
    let map: Scatter
    let view: ModelView | undefined
    const current = () => shown[place]!
    const itemOf = (mark: number) => view?.layout.items[mark]
    if (models.length > 2) {
      const menu = h(
        'select',
        { 'aria-label': `Model of map ${place + 1}` },
        ...models.map(({ label }, index) => h('option', { value: String(index) }, label)),
      )
      menu.value = String(place)
      menu.addEventListener('change', () => {
        shown[place] = models[Number(menu.value)]!
        build()
        update({})
      })
      title.append(menu, state)
    } else title.append(current().label, state)

    function build(): void {
      const { label, colour } = current()
      title.style.color = colour
      map = scatter({
        label: `Map of ${label}: arrow keys go from mark to mark, Enter to the partner, plus and minus zoom`,
        colour,
        picture(mark, ready) {
          const picture = data.items[itemOf(mark) ?? -1]?.picture
          return picture === undefined ? undefined : pictures.get(picture, ready)
        },
        words: (mark) => wordsOf(data, itemOf(mark) ?? -1, 24),
        tip: (mark) => tipOf(itemOf(mark) ?? -1),
        onChoose: (mark) => choose(mark === undefined ? undefined : itemOf(mark)),
        partner(mark) {
          const item = itemOf(mark)
          if (item === undefined) return undefined
          const own = item === choices.item ? choices.row : undefined
          const answered = own ?? rowsWith(data, item, 'query', choices.task)[0]
          const partner =
            answered === undefined
              ? data.rows[rowsWith(data, item, 'gold', choices.task)[0] ?? -1]?.query
              : data.rows[answered]!.gold
          return partner === undefined ? undefined : view?.markOf.get(partner)
        },
      })
      holder.replaceChildren(map.element)
    }

    let made: { model: ShownModel; task: number | null; method: string; lines: Lines } | undefined
    function refresh(): void {
      const model = current()
      const { task, method, lines, item, row, found } = choices
      const same =
        made?.model === model && made.task === task && made.method === method && made.lines === lines
      if (!same) view = modelView(data, model.model, choices)
      made = { model, task, method, lines }
      state.textContent = standing(model)
      if (view === undefined) return
      const { marks, markOf, lines: all, inTask, layout } = view
      const rows =
        item === undefined ? [] : row === undefined ? rowsWith(data, item, 'gold', task).slice(0, 60) : [row]
      map.show({
        marks,
        lines: all,
        chosenLines: rows.flatMap((index) => linesOf(data, model.model, index, markOf)),
        chosen: item === undefined ? undefined : markOf.get(item),
        faded: (mark) => {
          const one = layout.items[mark]!
          return (found !== undefined && !found.has(one)) || (task !== null && !inTask.has(one))
        },
      })
    }
    build()
    return { element: h('div', { class: 'panel map' }, title, holder), update: refresh }
  }

  /** How many of the shown queries a model finds, and how much of the variance its map shows. */
  function standing({ model }: ShownModel): string {
    const asked = rowsOf(data, choices.task).flatMap((index) => model.hits[index] ?? [])
    const layout = layoutOf(model, choices)
    const parts = [
      ...(asked.length === 0 ? [] : [`${asked.filter(isHit).length} of ${asked.length} queries found`]),
      ...(layout?.share === undefined ? [] : [`${Math.round(100 * layout.share)} % of the variance`]),
      ...(layout === undefined ? ['no vectors are stored'] : []),
    ]
    return parts.join(', ')
  }

  function tipOf(item: number): HTMLElement[] {
    const { picture } = data.items[item] ?? {}
    const source = pictures.source(picture)
    const isQuery = rowsWith(data, item, 'query', choices.task).length > 0
    return [
      ...(source === undefined ? [] : [h('img', { src: source, alt: '', width: '64', height: '64' })]),
      h('span', {}, h('small', {}, isQuery ? words.query : words.answer), wordsOf(data, item, 160) ?? ''),
    ]
  }

  function searchBox(): HTMLElement {
    const field = h('input', { type: 'search', placeholder: 'words of a query or an answer' })
    const find = () => {
      const found = search(data, field.value)
      const listed = found === undefined ? [] : [...found]
      results.replaceChildren(
        ...(found === undefined
          ? []
          : [
              h(
                'small',
                {},
                `${found.size.toLocaleString('en')} found${found.size > MOST_FOUND ? ', the first:' : ''}`,
              ),
            ]),
        ...listed.slice(0, MOST_FOUND).map((item) =>
          button(
            wordsOf(data, item) ?? data.rows[rowsWith(data, item, 'query', null)[0] ?? -1]?.id ?? 'picture',
            () => {
              const inTask =
                choices.task === null || rowsOf(data, choices.task).some((index) => touches(index, item))
              if (!inTask) {
                taskMenu.value = ''
                update({ task: null })
              }
              choose(item)
            },
          ),
        ),
      )
      update({ found })
    }
    field.addEventListener('input', find)
    return h('label', { class: 'choice' }, 'Search ', field)
  }
  const touches = (index: number, item: number) => {
    const { query, gold } = data.rows[index]!
    return query === item || gold === item || models.some(({ model }) => model.nearest[index] === item)
  }

  const taskMenu = menu(
    [['', 'all tasks'], ...data.tasks.map((name, index): [string, string] => [String(index), name])],
    choices.task === null ? '' : String(choices.task),
    (value) => update({ task: value === '' ? null : Number(value), item: undefined, row: undefined }),
  )
  const methodMenu = menu(
    methods.map((method) => [method, METHODS[method]]),
    choices.method,
    (value) => update({ method: methods.find((one) => one === value) ?? choices.method }),
  )
  const linesMenu = menu(LINES, choices.lines, (value) =>
    update({ lines: LINES.find(([one]) => one === value)?.[0] ?? choices.lines }),
  )
  const element = h(
    'div',
    { class: 'explorer' },
    h(
      'div',
      { class: 'choices' },
      data.tasks.length > 1 ? h('label', { class: 'choice' }, 'Task ', taskMenu) : null,
      methods.length > 1 ? h('label', { class: 'choice' }, 'Map ', methodMenu) : null,
      judged ? h('label', { class: 'choice' }, 'Lines ', linesMenu) : null,
      searchBox(),
    ),
    results,
    key(
      judged
        ? [
            { label: 'query, found', colour: 'var(--hit)' },
            { label: 'query, missed', colour: 'var(--miss)', shape: 'cross' },
            { label: 'answer', colour: 'var(--answer)', shape: 'ring' },
          ]
        : [
            { label: words.query, colour: 'var(--ink)' },
            { label: words.answer, colour: 'var(--answer)', shape: 'ring' },
          ],
    ),
    h('div', { class: 'grid maps' }, ...panels.map((each) => each.element)),
    card,
  )
  update({})
  return {
    element,
    choose(index) {
      const row = data.rows[index]
      if (row === undefined) return
      if (choices.task !== null && choices.task !== row.task) {
        taskMenu.value = String(row.task)
        update({ task: row.task })
      }
      choose(row.query, index)
    },
  }
}

const METHODS = { pca: 'PCA', umap: 'UMAP' } as const

const LINES: [Lines, string][] = [
  ['chosen', 'of the chosen item'],
  ['misses', 'of all misses'],
  ['hits', 'of all hits'],
  ['all', 'of all queries'],
]

/** The task on which the first two models differ most often. */
function busiestTask({ tasks, rows, models }: Explorer): number {
  const [first, second] = models
  const flips = tasks.map(() => 0)
  for (const [index, { task }] of rows.entries()) {
    const [a, b] = [first?.hits[index], second?.hits[index]]
    if (typeof a === 'number' && typeof b === 'number' && isHit(a) !== isHit(b))
      flips[task] = flips[task]! + 1
  }
  return flips.indexOf(Math.max(...flips))
}

function menu(options: [string, string][], value: string, act: (value: string) => void): HTMLSelectElement {
  const made = h('select', {}, ...options.map(([name, label]) => h('option', { value: name }, label)))
  made.value = value
  made.addEventListener('change', () => act(made.value))
  return made
}
