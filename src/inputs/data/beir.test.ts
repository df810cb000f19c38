import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pairFolder } from '../../../test/pair-files.ts'
import { parquetOf } from '../../../test/parquet-files.ts'
import { smallPicture } from '../../../test/small-picture.ts'
import { openBeir } from './beir.ts'
import { readItem } from './item.ts'

const lines = (...rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n')

const FILES: Readonly<Record<string, string>> = {
  'queries.jsonl': lines(
    { _id: 'q1', text: 'one' },
    { _id: 'q2', text: 'two' },
    { _id: 'q3', text: 'three' },
  ),
  'corpus.jsonl': lines(
    { _id: 'd1', title: 'First', text: 'document' },
    { _id: 'd2', title: '', text: 'second' },
    { _id: 'd3', text: 'third' },
  ),
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\td2\t1\nq1\td1\t2\nq2\td3\t1\nq3\td1\t0\n',
}

function folder(change: Readonly<Record<string, string | undefined>> = {}): string {
  const dir = pairFolder()
  mkdirSync(join(dir, 'qrels'))
  for (const [name, text] of Object.entries({ ...FILES, ...change }))
    if (text !== undefined) writeFileSync(join(dir, name), text)
  return dir
}

test('a query has its relevant documents with their grades, among all documents', async () => {
  const { task, problems, close } = await openBeir(folder(), 'own', { targetInstruction: 'Read' })
  expect(problems).toEqual([])
  expect(
    task.test.map(({ id, positive, positives, grades }) => ({ id, positive, positives, grades })),
  ).toEqual([
    { id: 'q1', positive: 0, positives: [1, 0], grades: [1, 2] },
    { id: 'q2', positive: 2, positives: [2], grades: [1] },
  ])
  expect(task.test[0]?.candidates.map(({ text }) => text)).toEqual(['First document', 'second', 'third'])
  expect(task.test[0]?.candidates[0]?.instruction).toBe('Read')
  expect(task.metaTask).toBe('retrieval')
  await close()
})

test('pages of documents as pictures in Parquet files, as ViDoRe has them', async () => {
  const dir = pairFolder()
  const written = (what: string, bytes: Uint8Array) => {
    mkdirSync(join(dir, what))
    writeFileSync(join(dir, what, 'test-00000-of-00001.parquet'), bytes)
  }
  const numbers = (name: string, data: readonly number[]) => ({ name, form: 'number' as const, data })
  const image = { struct: { bytes: 'bytes', path: 'text' } } as const
  written(
    'corpus',
    parquetOf([
      numbers('corpus-id', [10, 11]),
      {
        name: 'image',
        form: image,
        data: [
          { bytes: smallPicture(3), path: null },
          { bytes: smallPicture(4), path: null },
        ],
      },
    ]),
  )
  written(
    'queries',
    parquetOf([numbers('query-id', [0]), { name: 'query', form: 'text', data: ['which page?'] }]),
  )
  written('qrels', parquetOf([numbers('query-id', [0]), numbers('corpus-id', [11]), numbers('score', [1])]))
  const { task, close } = await openBeir(dir, 'pages')
  expect(task.test.map(({ query, positive }) => [query.text, positive])).toEqual([['which page?', 1]])
  expect((await readItem(task.test[0]!.candidates[1]!)).pictures[0]?.data[0]).toBe(4)
  await close()
})

describe('rows that cannot be used', () => {
  test.each([
    [
      'qrels/test.tsv',
      'query-id\tcorpus-id\tscore\nq1\td1\t1\nq9\td1\t1\n',
      /line 3: there is no query "q9"/,
    ],
    [
      'qrels/test.tsv',
      'query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td9\t1\n',
      /line 3: there is no document "d9"/,
    ],
    ['qrels/test.tsv', 'query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\tmuch\n', /a score that is a number/],
    ['queries.jsonl', `${FILES['queries.jsonl']}\n{"_id": "q1", "text": "again"}`, /"q1" is there twice/],
    ['queries.jsonl', `${FILES['queries.jsonl']}\n{"text": "nobody"}`, /it has no identifier/],
    ['corpus.jsonl', `${FILES['corpus.jsonl']}\n{"_id": "d4", "text": ""}`, /line 4: the text is empty/],
    [
      'corpus.jsonl',
      `${FILES['corpus.jsonl']}\n{"_id": "d4", "image": "no.png"}`,
      /line 4: .*does not exist/,
    ],
  ])('%s: %j', async (name, text, message) => {
    const { task, problems, close } = await openBeir(folder({ [name]: text }), 'own')
    expect(problems.map((error) => error.message)).toEqual([expect.stringMatching(message)])
    expect(task.test.length).toBeGreaterThan(0)
    await close()
    await expect(openBeir(folder({ [name]: text }), 'own', { strict: true })).rejects.toThrow(message)
  })

  test('no relevant document at all', async () => {
    const dir = folder({ 'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\td1\t0\n' })
    await expect(openBeir(dir, 'own')).rejects.toMatchObject({ code: 'data/no-pairs' })
  })

  test('no corpus', async () => {
    const dir = pairFolder()
    writeFileSync(join(dir, 'queries.jsonl'), FILES['queries.jsonl']!)
    await expect(openBeir(dir, 'own')).rejects.toMatchObject({
      code: 'file/missing',
      message: expect.stringMatching(/has no corpus: expected corpus\.jsonl/),
    })
  })
})
