import { expect, test } from 'vitest'
import { paperRecord, recordedState } from '../../../../test/paper-record.ts'
import { hitsOf, type PaperRecord } from './record.ts'
import { type EarlierResults, recordedRuns } from './recorded.ts'

const state = (rows: readonly number[]) => recordedState({ a: hitsOf(rows.map((hit1) => ({ hit1 }))) })
const run = (id: string, changed: Partial<PaperRecord> = {}) => {
  const states = { untuned: state([0, 0]), tuned: state([1, 0]) }
  const record = paperRecord({ id, arm: 'twin-ar', pretraining: 1, model: 'aaaa', ...states, ...changed })
  return { ...record, recorded: false }
}
const task = { name: 'a', metaTask: 'vqa' as const, domain: 'in' as const, clusters: [0, 1] }
const file = (path: string, runs: EarlierResults['runs'], tasks = [task]): EarlierResults => ({
  path,
  schemaVersion: 2,
  command: 'bifocal study --plan paper',
  settings: {},
  tasks,
  runs,
})
const wanted = new Set(['one', 'two'])
const refusal = (...files: EarlierResults[]) => {
  try {
    recordedRuns(files, [task], wanted)
  } catch (error) {
    return error
  }
  return undefined
}

test('runs that are wanted, from all files; equal ones once', () => {
  const files = [file('x', [run('one'), run('three')]), file('y', [run('one'), run('two')])]
  expect([...recordedRuns(files, [task], wanted).keys()]).toEqual(['one', 'two'])
})

test.each([
  ['other tasks', [{ ...task, name: 'b' }], 'its tasks are b, here a'],
  ['another number of rows', [{ ...task, clusters: [0, 1, 2] }], 'a has 3 rows, here 2'],
  ['other clusters', [{ ...task, clusters: [0, 0] }], 'the rows of a are others'],
])('%s are refused, and named', (_, tasks, message) => {
  expect(refusal(file('x', [run('one')], tasks))).toMatchObject({
    code: 'study/other-record',
    message: expect.stringContaining(message),
  })
})

test('a run without all rows is refused', () => {
  expect(refusal(file('x', [run('one', { tuned: state([1]) })]))).toMatchObject({
    code: 'study/other-record',
    message: expect.stringContaining('one has 1 rows of a'),
  })
})

test('two records of one run that differ are refused, with both hashes', () => {
  const other = run('one', { model: 'bbbb' })
  expect(refusal(file('x', [run('one')]), file('y', [other]))).toMatchObject({
    code: 'study/two-records',
    message: expect.stringMatching(/one in x, of weights aaaa; one in y, of weights bbbb/),
  })
  expect(refusal(file('x', [run('one')]), file('y', [run('one', { tuned: state([1, 1]) })]))).toMatchObject({
    code: 'study/two-records',
  })
})

test('runs of one model are of one set of weights; another mask reads it in another way', () => {
  const two = run('two', { tuning: 8, model: 'bbbb' })
  expect(refusal(file('x', [run('one'), two]))).toMatchObject({ code: 'study/two-records' })
  expect(refusal(file('x', [run('one'), { ...two, mask: 'other' }]))).toBeUndefined()
})

test('runs that nobody asked for may differ', () => {
  expect(refusal(file('x', [run('three'), run('three', { model: 'bbbb' })]))).toBeUndefined()
})
