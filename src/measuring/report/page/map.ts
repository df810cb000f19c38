/** @file The section of maps: the pairs of a study, or the queries and answers of runs. */

import type { Explorer, ExplorerItem, ExplorerRow } from '../explorer.ts'
import { scaledLayout } from '../explorer.ts'
import { modelName } from '../format.ts'
import type { Results, ResultsModel } from '../results.ts'
import { figure } from './chart.ts'
import { colourOf } from './colour.ts'
import { section } from './element.ts'
import type { ShownModel } from './explorer/detail.ts'
import { explorer } from './explorer/explorer.ts'

const HANDLING =
  'Press a mark for its row in both maps; arrow keys go from mark to mark, Enter to the partner, Escape ' +
  'leaves. Scroll in a map that you have pressed, pinch, or press + and − to zoom: pictures come up ' +
  'where there is room.'

/** Maps of matched images and texts: nobody asked for an answer, so no mark is a hit or a miss. */
export function pairMap(results: Pick<Results, 'maps' | 'models' | 'thumbnails'>): HTMLElement | null {
  const data = explorerOfMaps(results)
  if (data.rows.length === 0) return null
  return section(
    'map',
    'Where images and texts lie',
    figure(
      'A 2-D map of the test pairs',
      'Filled: images; hollow: texts. In an aligned space each image lies on its own text. The map keeps ' +
        'neighbours, not distances: read clusters and mixing, not gaps; the measures above are taken in the ' +
        `full space. ${HANDLING}`,
      explorer(data, shownModels(results.models, data), { query: 'image', answer: 'text' }).element,
    ),
  )
}

/** Maps of the queries and answers of runs. */
export function answerMap(
  data: Explorer,
  models: ResultsModel[],
): { element: HTMLElement; showRow: (row: number) => void } | null {
  if (data.models.every(({ layouts }) => layouts.length === 0)) return null
  const drawn =
    data.rows.length < data.measured
      ? ` ${data.rows.length.toLocaleString('en')} of ${data.measured.toLocaleString('en')} queries are on ` +
        'the map, evenly over tasks.'
      : ''
  const { element, choose } = explorer(data, shownModels(models, data), {
    query: 'query',
    answer: 'answer',
  })
  const made = section(
    'map',
    'Where queries and answers lie',
    figure(
      'A map of queries, right answers and the answers that models gave',
      'A line runs from the chosen query to its right answer, and dashed to the wrong answer that came ' +
        'first. PCA keeps directions and large distances as far as two axes can (the share of the ' +
        'variance stands above the map); UMAP keeps neighbours. Hits are decided in the full space: a ' +
        `short line on the map is no hit. ${HANDLING}${drawn}`,
      element,
    ),
  )
  return {
    element: made,
    showRow(row) {
      choose(row)
      made.scrollIntoView({ block: 'start' })
    },
  }
}

/** In the order of the data, with untuned models behind the others. */
function shownModels(models: ResultsModel[], data: Explorer): ShownModel[] {
  const shown = data.models.flatMap((one) => {
    const model = models.find(({ id }) => id === one.id)
    return model === undefined
      ? []
      : [
          {
            model: one,
            state: model.state,
            label: modelName({ models }, one.id),
            colour: colourOf({ models }, model),
          },
        ]
  })
  const rank = ({ state }: Pick<ResultsModel, 'state'>) => (state === 'untuned' ? 1 : 0)
  return shown.toSorted((a, b) => rank(a) - rank(b))
}

/** Each pair as a row: the image asks for its text. */
function explorerOfMaps({ maps, thumbnails }: Pick<Results, 'maps' | 'thumbnails'>): Explorer {
  const items: ExplorerItem[] = []
  const places = new Map<string, number>()
  const rows: ExplorerRow[] = []
  for (const { points } of maps)
    for (const { id, kind, label, thumbnail } of points) {
      if (places.has(`${kind} ${id}`)) continue
      places.set(`${kind} ${id}`, items.length)
      items.push({ text: label, ...(thumbnail === undefined ? {} : { picture: thumbnail }) })
    }
  for (const [name, query] of places) {
    const id = name.replace(/^image /, '')
    const gold = places.get(`text ${id}`)
    if (id !== name && gold !== undefined) rows.push({ id, task: 0, query, gold })
  }
  return {
    pictures: thumbnails,
    items,
    tasks: ['pairs'],
    rows,
    measured: rows.length,
    models: maps.map(({ model, points }) => ({
      id: model,
      hits: rows.map(() => null),
      nearest: rows.map(() => null),
      layouts: [
        {
          method: 'umap',
          task: null,
          items: points.map(({ kind, id }) => places.get(`${kind} ${id}`)!),
          ...scaledLayout(points.flatMap(({ x, y }) => [x, y])),
        },
      ],
    })),
  }
}
