/** @file `bifocal eval`: killed, in shards, with vectors of other programs: the same scores. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCli, startCli } from '../../test/built-cli.ts'
import { runHere } from '../../test/command-line.ts'
import { writeMadeRun } from '../../test/made-run.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { lockAlone } from '../foundation/files/lock.ts'
import { openRun } from '../measuring/benchmark/run/eval-run.ts'
import { printRun } from './commands/eval.ts'

let dir = ''
const at = (name: string) => join(dir, name)
let words: string[] = []

/** Pairs of texts, of which every fifth target is shared. */
function pairs(name: string, count: number): string {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({ query: `${name} question ${i}`, target: `${name} answer ${i % 5 === 0 ? 0 : i}` }),
  ).join('\n')
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-eval-'))
  const { ar } = await writeRandomTwins(dir)
  for (const name of ['one', 'two', 'three']) writeFileSync(at(`${name}.jsonl`), pairs(name, 170))
  const files = ['one', 'two', 'three'].map((name) => at(`${name}.jsonl`))
  words = ['eval', ar, '--tasks', ...files, '--kind', 'retrieval', '--threads', '1']
  const { code, stderr } = await runHere([...words, '--out', at('whole')])
  expect(stderr).not.toContain('error')
  expect(code).toBe(0)
  await buildCli()
}, 400_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Path → bytes, of everything in a run that must not vary. */
function bytesOf(run: string): Record<string, string> {
  const names = readdirSync(at(run), { recursive: true, encoding: 'utf8' }).sort()
  const varying = /^(run\.json|report\.html|shard\.json)$/
  return Object.fromEntries(
    names
      .filter((name) => /\.\w+$/.test(name) && !varying.test(name))
      .map((name) => [name, readFileSync(join(at(run), name), 'base64')]),
  )
}

/** Keys of all stored vectors of a run. */
function storedKeys(run: string): string[] {
  const names = readdirSync(join(at(run), 'vectors'), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) =>
      readFileSync(join(at(run), 'vectors', name), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line).key)
}

test('a run scores every task both ways, and its second run computes nothing', async () => {
  const before = bytesOf('whole')
  const run = await openRun(at('whole'))
  expect(run.tasks.map(({ queries }) => queries)).toEqual([170, 137, 170, 137, 170, 137])
  expect((await run.scores(run.models[0]!.id)).tasks).toHaveLength(6)
  const { stderr } = await runHere([...words, '--out', at('whole')])
  expect(stderr).toMatch(/: (\d+) of \1 vectors were stored, 0 were computed/)
  const { scored } = JSON.parse(readFileSync(at('whole/run.json'), 'utf8'))
  expect(scored).toEqual({ computed: 0, kept: 6 })
  expect(bytesOf('whole')).toEqual(before)
})

test('a run that is killed goes on: the same bytes, and no vector is computed twice', async () => {
  const lists = () => (existsSync(at('killed/vectors')) ? storedFiles() : 0)
  const storedFiles = () =>
    readdirSync(at('killed/vectors'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.jsonl'),
    ).length
  for (const chunks of [1, 2]) {
    const child = startCli([...words, '--out', at('killed')])
    const closed = new Promise((resolve) => child.on('close', resolve))
    const watch = setInterval(() => lists() >= chunks && child.kill('SIGKILL'), 2)
    await closed
    clearInterval(watch)
  }
  const kept = storedKeys('killed').length
  expect((await runHere([...words, '--out', at('killed')])).code).toBe(0)
  const [{ items, resumed, computed }] = JSON.parse(readFileSync(at('killed/run.json'), 'utf8')).vectors
  expect([resumed, computed]).toEqual([kept, items - kept])
  expect(new Set(storedKeys('killed')).size).toBe(storedKeys('killed').length)
  expect(bytesOf('killed')).toEqual(bytesOf('whole'))
})

describe('shards', () => {
  beforeAll(async () => {
    for (const index of [0, 1, 2]) {
      const env = { JOB_COMPLETION_INDEX: String(index) }
      const args = [...words, '--shard', 'auto/3', '--out', at(`shard-${index + 1}`)]
      expect((await runHere(args, { env })).code).toBe(0)
    }
  })

  test('are merged to the bytes of one machine', async () => {
    const shards = [2, 1, 3].map((index) => at(`shard-${index}`))
    const merge = ['merge-runs', ...shards, '--out', at('merged')]
    // The model has random weights: it misses the limit.
    expect((await runHere([...merge, '--fail-under', 'all=0.99'])).code).toBe(4)
    const [{ items, resumed, computed }] = JSON.parse(readFileSync(at('merged/run.json'), 'utf8')).vectors
    expect([resumed, computed]).toEqual([items, 0])
    expect(bytesOf('merged')).toEqual(bytesOf('whole'))
  })

  test('a merge copies nothing into a folder that another process or another run has', async () => {
    const shards = [1, 2, 3].map((index) => at(`shard-${index}`))
    const lock = await lockAlone(join(at('taken'), 'eval'))
    const inUse = await runHere(['merge-runs', ...shards, '--out', at('taken')])
    await lock.release()
    expect(inUse).toMatchObject({ code: 2, stderr: expect.stringContaining('file/in-use') })
    expect(readdirSync(at('taken'))).toEqual([])
    await writeMadeRun(at('other'), { models: { good: 1 } })
    const before = readdirSync(at('other'), { recursive: true })
    const other = await runHere(['merge-runs', ...shards, '--out', at('other')])
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('benchmark/other-run') })
    expect(readdirSync(at('other'), { recursive: true })).toEqual(before)
  })

  test('a merge that fails in the middle goes on to the same bytes', async () => {
    const shards = [1, 2, 3].map((index) => at(`shard-${index}`))
    const merge = async () => await runHere(['merge-runs', ...shards, '--out', at('half')])
    const [first = ''] = readdirSync(at('shard-3/vectors'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.safetensors'),
    )
    const inTheWay = join(at('half'), 'vectors', first)
    mkdirSync(inTheWay, { recursive: true })
    expect((await merge()).stderr).toContain('file/write')
    expect(storedKeys('half').length).toBeGreaterThan(0)
    rmSync(inTheWay, { recursive: true })
    expect((await merge()).code).toBe(0)
    expect(bytesOf('half')).toEqual(bytesOf('whole'))
  })

  test.each([
    ['a missing one', [1, 2], 'benchmark/missing-shard'],
    ['one twice', [1, 2, 2], 'benchmark/shard-twice'],
    ['one that is not finished', [1, 2, 9], 'benchmark/run'],
  ])('%s is refused', async (_, shards, code) => {
    const folders = shards.map((index) => at(`shard-${index}`))
    const result = await runHere(['merge-runs', ...folders, '--out', at('refused')])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(code) })
  })

  test('one of another run is refused', async () => {
    await runHere([...words, '--limit', '5', '--shard', '3/3', '--out', at('foreign')])
    const result = await runHere([
      'merge-runs',
      at('shard-1'),
      at('shard-2'),
      at('foreign'),
      '--out',
      at('no'),
    ])
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('benchmark/foreign-shard') })
  })
})

test('vectors of another program are scored as the model that made them', async () => {
  const [, model = '', ...rest] = words
  await runHere(['eval', ...rest, '--limit', '20', '--items', at('items')])
  const file = at('elsewhere.npy')
  await runHere(['embed', model, '--input', at('items/items.jsonl'), '--out', file, '--threads', '1'])
  await runHere(['eval', ...rest, '--limit', '20', '--vectors', `other=${file}`, '--out', at('from-file')])
  await runHere([...words, '--limit', '20', '--out', at('from-model')])
  const hits = async (name: string) => {
    const run = await openRun(at(name))
    return (await run.scores(run.models[0]!.id)).tasks.map(({ rows }) =>
      rows.map(({ predicted }) => predicted),
    )
  }
  expect(await hits('from-file')).toEqual(await hits('from-model'))
  const fewer = ['eval', '--tasks', at('one.jsonl'), '--kind', 'retrieval']
  const other = await runHere([...fewer, '--vectors', file, '--out', at('misfit')])
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('benchmark/vector-items') })
})

test('shards keep their vectors elsewhere; a file that a merge copied by half is copied again', async () => {
  for (const part of ['1/2', '2/2'])
    await runHere([
      ...words,
      '--shard',
      part,
      '--store',
      at('whole/vectors'),
      '--out',
      at(`stored-${part[0]}`),
    ])
  const merge = async () =>
    (await runHere(['merge-runs', at('stored-1'), at('stored-2'), '--out', at('of-stored')])).code
  expect(await merge()).toBe(0)
  const store = join(at('of-stored'), 'vectors')
  const files = readdirSync(store, { recursive: true, encoding: 'utf8' })
  truncateSync(join(store, files.find((name) => name.endsWith('.safetensors'))!), 100)
  rmSync(join(at('of-stored'), 'scores'), { recursive: true })
  expect(await merge()).toBe(0)
  expect(bytesOf('of-stored')).toEqual(bytesOf('whole'))
}, 120_000)

test('the folder of a study is refused', async () => {
  mkdirSync(join(at('study'), 'work'), { recursive: true })
  writeFileSync(join(at('study'), 'work', 'study.json'), '{}')
  const result = await runHere([...words, '--out', at('study')])
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('holds a study') })
})

test('a folder of another run is refused', async () => {
  const result = await runHere([...words, '--limit', '3', '--out', at('whole')])
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('benchmark/other-run') })
})

test('a score below its limit ends with 4', async () => {
  const { code, stderr } = await runHere([...words, '--out', at('whole'), '--fail-under', 'mean=0.99'])
  expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('all is') })
})

test('a baseline may be below the limit of the models', async () => {
  await writeMadeRun(at('made'), { models: { good: 1, poor: 0 } })
  const run = await openRun(at('made'))
  const models = run.models.map((model) => ({
    ...model,
    role: model.id === 'poor' ? ('baseline' as const) : model.role,
  }))
  const beside = { ...run, results: { ...run.results, models } }
  const nothing = () => {}
  const io = { signal: new AbortController().signal, json: false, color: false, width: undefined }
  const quiet = { ...io, print: nothing, line: nothing, say: nothing, warn: nothing, progress: nothing }
  expect(await printRun(run, [{ name: 'all', score: 0.9 }], quiet)).toBe(4)
  expect(await printRun(beside, [{ name: 'all', score: 0.9 }], quiet)).toBe(0)
})

test('a budget draws the same rows again and says how many of how many', async () => {
  const args = [...words, '--budget', '1s', '--out', at('budget')]
  expect((await runHere(args)).code).toBe(0)
  const before = bytesOf('budget')
  expect((await runHere(args)).stderr).toMatch(/\d+ of 170 rows were drawn/)
  expect(bytesOf('budget')).toEqual(before)
})

test('a dry run foretells items and time, and writes nothing', async () => {
  const { stdout } = await runHere([...words, '--dry-run', '--out', at('dry')])
  expect(stdout).toMatch(/items, 0 stored; \d+ tokens to compute, about \d+ s/)
  expect(existsSync(at('dry'))).toBe(false)
})
