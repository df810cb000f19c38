/** @file Data sets of the hub, against a local server. */

import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reducedDir } from '../../../../test/golden.ts'
import { COMMIT, clientOf } from '../../../../test/hub-models.ts'
import { type HubServer, startHubServer } from '../../../../test/hub-server.ts'
import { filesBelow } from '../../../../test/packed-folder.ts'
import { readItem } from '../../../inputs/data/item.ts'
import { hubSources } from './hub.ts'
import { suitesOf } from './suites.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const refs = { main: COMMIT }

let server: HubServer
let settings: ReturnType<typeof clientOf>
beforeAll(async () => {
  const mmeb = Object.fromEntries(filesBelow(join(reducedDir('bench-mmeb'), 'eval-zip')))
  server = await startHubServer({
    'datasets/acme/mmeb': { refs, files: { ...mmeb, 'README.md': bytes('# MMEB') } },
    'datasets/acme/docs': {
      refs,
      files: {
        'queries.jsonl': bytes('{"_id": "q", "text": "cats"}\n'),
        'corpus.jsonl': bytes('{"_id": "a", "text": "a cat"}\n{"_id": "b", "text": "a dog"}\n'),
        'qrels/test.tsv': bytes('query-id\tcorpus-id\tscore\nq\ta\t1\n'),
      },
    },
    'datasets/acme/else': { refs, files: { 'data.bin': bytes('?') } },
  })
  settings = clientOf(server)
})
afterAll(async () => {
  settings.clear()
  await server.close()
})

const lines = () => server.requests.map(({ line }) => line)

describe('MMEB-eval on the hub', () => {
  test('rows equal those of the folder; the archive is read by ranges and never fetched', async () => {
    const sources = await hubSources('acme/mmeb', {}, {}, settings)
    expect(sources.map(({ name }) => name)).toEqual(['OK-VQA', 'CIRR'])
    server.requests.length = 0
    const there = await sources[1]!.open()
    const [local] = await suitesOf([`mmeb:${join(reducedDir('bench-mmeb'), 'eval-zip', 'CIRR')}`])
    const here = await local!.open()
    expect(there.problems).toEqual([])
    const keys = ({ task }: typeof here) =>
      task.test.map(({ query, candidates }) => [query.key, ...candidates.map(({ key }) => key)])
    expect(keys(there)).toEqual(keys(here))
    expect((await readItem(there.task.test[0]!.query)).pictures.length).toBe(1)
    await there.close()
    await here.close()
    expect(lines().filter((line) => line.startsWith('GET') && line.includes('.parquet')).length).toBe(1)
    const ranged = server.requests.filter(({ line }) => line.startsWith('GET') && line.includes('images.zip'))
    expect(ranged.length).toBeGreaterThan(0)
    server.requests.length = 0
    const again = await sources[1]!.open()
    expect((await readItem(again.task.test[0]!.query)).pictures.length).toBe(1)
    await again.close()
    expect(lines().filter((line) => line.startsWith('GET') && line.includes('images.zip'))).toEqual([])
    expect(ranged.every(({ range }) => /^bytes=\d+-\d+$/.test(range ?? ''))).toBe(true)
    expect(lines().every((line) => line.includes('/datasets/'))).toBe(true)
  })

  test('a table that was fetched is not fetched again', async () => {
    const [, source] = await hubSources('acme/mmeb', {}, {}, settings)
    await (await source!.open()).close()
    server.requests.length = 0
    await (await source!.open()).close()
    expect(lines().filter((line) => line.startsWith('GET') && line.includes('.parquet'))).toEqual([])
  })

  test('a connection that breaks within a range is asked again', async () => {
    const other = clientOf(server)
    const [source] = await hubSources('acme/mmeb', {}, {}, other)
    server.faults.push({ on: /GET .*images\.zip/, cutAfter: 3 })
    const open = await source!.open()
    expect(open.problems).toEqual([])
    await open.close()
    other.clear()
  })

  test('a server that ignores ranges is refused: it would send the whole archive', async () => {
    const other = clientOf(server)
    const [source] = await hubSources('acme/mmeb', {}, {}, other)
    server.faults.push({ on: /GET .*images\.zip/, times: 1000, ignoreRange: true })
    const { problems, task } = await source!.open()
    server.faults.length = 0
    expect(task.test.length).toBe(0)
    expect(problems[0]?.message).toContain('status 200 for a range')
    other.clear()
  })
})

test('queries, corpus and qrels are fetched into the cache of data sets', async () => {
  const [source] = await hubSources('acme/docs', {}, {}, settings)
  const open = await source!.open()
  expect(open.task).toMatchObject({ name: 'docs', test: [{ positives: [0], grades: [1] }] })
  await open.close()
})

test.each([
  ['acme/else', 'usage/option', 'neither in the layout of MMEB-eval'],
  ['acme/absent', 'hub/no-repository', 'has no data set acme/absent'],
])('%s: %s', async (name, code, words) => {
  await expect(hubSources(name, {}, {}, settings)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(words),
  })
})
