import { describe, expect, test } from 'vitest'
import { openFile, pairFile } from '../../../test/pair-files.ts'
import { keyed } from './item.ts'
import { type PairTaskKind, tasksOfPairs } from './pair-tasks.ts'
import { memorySource } from './pairs/source.ts'
import type { Task } from './task.ts'

const item = (text: string) => keyed({ text })
type Written = readonly [query: string, target: string, ...negatives: string[]]
const source = (rows: readonly Written[]) =>
  memorySource(
    'own',
    rows.map(([query, target, ...negatives]) => ({
      query: item(query),
      target: item(target),
      negatives: negatives.map(item),
    })),
  )
const tasksOf = async (kind: PairTaskKind, ...rows: readonly Written[]) =>
  (await tasksOfPairs(source(rows), { kind })).tasks

/** Query → right candidates, of all candidates. */
const shown = ({ test: rows }: Task) =>
  rows.map(({ query, candidates, positive, positives = [positive] }) => [
    query.text,
    positives.map((at) => candidates[at]?.text),
    candidates.length,
  ])

test('classification: all classes are candidates of each row', async () => {
  const [task] = await tasksOf('classification', ['a', 'cat'], ['b', 'dog'], ['c', 'cat'])
  expect(shown(task!)).toEqual([
    ['a', ['cat'], 2],
    ['b', ['dog'], 2],
    ['c', ['cat'], 2],
  ])
  expect(task?.test[0]?.candidates).toBe(task?.test[1]?.candidates)
  expect([task?.metaTask, task?.chance]).toEqual(['classification', 0.5])
})

test('retrieval goes both ways, with all right candidates', async () => {
  const tasks = await tasksOf('retrieval', ['one', 'x'], ['one', 'y'], ['two', 'y'])
  expect(tasks.map(({ name }) => name)).toEqual(['own (query to target)', 'own (target to query)'])
  expect(tasks.map(shown)).toEqual([
    [
      ['one', ['x', 'y'], 2],
      ['two', ['y'], 2],
    ],
    [
      ['x', ['one'], 2],
      ['y', ['one', 'two'], 2],
    ],
  ])
  expect(tasks.map(({ chance }) => chance)).toEqual([0.75, 0.75])
})

describe('questions', () => {
  test('with wrong answers of their own have these as candidates', async () => {
    const [task] = await tasksOf('vqa', ['a', 'yes', 'no'], ['b', '1', '2', '3'])
    expect(shown(task!)).toEqual([
      ['a', ['yes'], 2],
      ['b', ['1'], 3],
    ])
  })

  test('of which one has none have all answers', async () => {
    const [task] = await tasksOf('vqa', ['a', 'yes', 'no'], ['b', '1'])
    expect(shown(task!)).toEqual([
      ['a', ['yes'], 2],
      ['b', ['1'], 2],
    ])
  })
})

test('a row that cannot be read is told, and the others go on', async () => {
  const rows = [
    { query: { image: 'no.png' }, target: 'a' },
    { query: 'b', target: 'c' },
  ]
  const opened = await openFile(pairFile(rows))
  const { tasks, problems } = await tasksOfPairs(opened, { kind: 'classification' })
  expect(tasks.map(shown)).toEqual([[['b', ['c'], 1]]])
  expect(problems).toEqual([{ row: 0, error: expect.objectContaining({ code: 'file/missing' }) }])
  await expect(tasksOfPairs(opened, { kind: 'classification', strict: true })).rejects.toThrow(
    /line 1, query/,
  )
  await opened.close()
})
