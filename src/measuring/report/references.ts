/**
 * @file Checks that hold between parts of the results: names that are referred to exist, and once
 * only.
 */

import type { Results, Scope } from './results.ts'

interface Dangling {
  path: (string | number)[]
  message: string
}

/**
 * Every reference to a model, task, measure or thumbnail that does not exist, and every id that
 * stands twice.
 */
export function danglingReferences(results: Results): Dangling[] {
  const found: Dangling[] = []
  const models = uniqueNames(
    'models',
    'id',
    results.models.map((model) => model.id),
  )
  const tasks = uniqueNames(
    'tasks',
    'name',
    results.tasks.map((task) => task.name),
  )
  const measures = uniqueNames(
    'measures',
    'name',
    results.measures.map((measure) => measure.name),
  )

  function uniqueNames(list: string, key: string, names: string[]): Set<string> {
    const seen = new Set<string>()
    names.forEach((name, index) => {
      if (seen.has(name)) found.push({ path: [list, index, key], message: `${name} stands twice` })
      seen.add(name)
    })
    return seen
  }
  function known(
    kind: string,
    names: Set<string>,
    name: string | undefined,
    ...path: (string | number)[]
  ): void {
    if (name !== undefined && !names.has(name)) found.push({ path, message: `no ${kind} is called ${name}` })
  }
  function thumbnail(index: number | undefined, ...path: (string | number)[]): void {
    if (index !== undefined && index >= results.thumbnails.length)
      found.push({ path, message: `thumbnail ${index} of ${results.thumbnails.length}` })
  }
  function scope(value: Scope, ...path: (string | number)[]): void {
    if (value.kind === 'task') known('task', tasks, value.task, ...path, 'task')
  }

  results.models.forEach(({ of }, i) => {
    known('model', models, of, 'models', i, 'of')
  })
  results.scores.forEach(({ model, task }, i) => {
    known('model', models, model, 'scores', i, 'model')
    known('task', tasks, task, 'scores', i, 'task')
  })
  results.means.forEach((mean, i) => {
    known('model', models, mean.model, 'means', i, 'model')
    scope(mean.scope, 'means', i, 'scope')
  })
  results.differences.forEach(({ a, b, ...difference }, i) => {
    known('model', models, a, 'differences', i, 'a')
    known('model', models, b, 'differences', i, 'b')
    scope(difference.scope, 'differences', i, 'scope')
  })
  const { pairs } = results
  known('model', models, pairs?.first, 'pairs', 'first')
  pairs?.others.forEach(({ model }, i) => {
    known('model', models, model, 'pairs', 'others', i, 'model')
  })
  pairs?.left.forEach(({ model }, i) => {
    known('model', models, model, 'pairs', 'left', i, 'model')
  })
  pairs?.comparisons.forEach(({ a, b }, i) => {
    known('model', models, a, 'pairs', 'comparisons', i, 'a')
    known('model', models, b, 'pairs', 'comparisons', i, 'b')
  })
  results.alignment.forEach(({ model, measure }, i) => {
    known('model', models, model, 'alignment', i, 'model')
    known('measure', measures, measure, 'alignment', i, 'measure')
  })
  results.maps.forEach(({ model, points }, i) => {
    known('model', models, model, 'maps', i, 'model')
    points.forEach((point, j) => {
      thumbnail(point.thumbnail, 'maps', i, 'points', j, 'thumbnail')
    })
  })
  results.failures.forEach(({ model, task, query, expected, got }, i) => {
    known('model', models, model, 'failures', i, 'model')
    known('task', tasks, task, 'failures', i, 'task')
    for (const [side, example] of Object.entries({ query, expected, got }))
      thumbnail(example.thumbnail, 'failures', i, side, 'thumbnail')
  })
  return found
}
