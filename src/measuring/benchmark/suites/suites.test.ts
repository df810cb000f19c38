/** @file The words of --tasks, on small files. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { reducedDir } from '../../../../test/golden.ts'
import { smallPicture } from '../../../../test/small-picture.ts'
import { SUBSETS, subsetOf } from '../../../inputs/data/mmeb/subsets.ts'
import { AVERAGES, averagesOf, macroAverages } from '../averages.ts'
import { publishedMeansOf } from '../run/results.ts'
import { publishedAverages, publishedFor } from './published.ts'
import { type SuiteOptions, suitesOf } from './suites.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-suites-'))
afterAll(() => rmSync(dir, { recursive: true }))

const write = (path: string, content: string | Uint8Array): string => {
  const file = join(dir, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return file
}
const lines = (...rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n')

/** The opened tasks of words; their files are closed. */
const opened = async (words: readonly string[], options?: SuiteOptions) =>
  await Promise.all(
    (await suitesOf(words, options)).map(async (source) => {
      const task = await source.open()
      await task.close()
      return task
    }),
  )

const mmeb = () => join(reducedDir('bench-mmeb'), 'eval')

describe('shipped tasks', () => {
  test('embedded is all of them, a name is one, and each comes once', async () => {
    const all = await suitesOf(['embedded'])
    expect(all.length).toBeGreaterThanOrEqual(15)
    const [first] = all
    const named = await suitesOf([first!.name, `embedded:${first!.name}`])
    expect(named.map(({ name }) => name)).toEqual([`embedded/${first!.name}`, `embedded/${first!.name} 2`])
    expect((await suitesOf(['embedded', 'embedded'])).length).toBe(all.length)
  })

  test('a limit keeps the first rows, and dev rows are not made', async () => {
    const [source] = await suitesOf(['embedded'])
    const { task, total } = await source!.open({ limit: 3 })
    expect([task.test.length, task.dev.length, task.train.length, total]).toEqual([3, 0, 0, 3])
  })

  test('a word that nothing is called is told, with the one that was meant', async () => {
    await expect(suitesOf(['embeded'])).rejects.toMatchObject({
      code: 'usage/task-unknown',
      hint: 'Did you mean "embedded"?',
    })
  })
})

describe('MMEB', () => {
  test('a folder has the datasets of the published tables in their order', async () => {
    const sources = await suitesOf([`mmeb:${mmeb()}`])
    expect(sources.map(({ name }) => name)).toEqual(['OK-VQA', 'CIRR', 'EDIS', 'RefCOCO-Matching'])
    expect((await suitesOf([mmeb()])).length).toBe(4)
    expect((await suitesOf([`mmeb:${mmeb()}/CIRR`])).map(({ name }) => name)).toEqual(['CIRR'])
  })

  test.each([
    [['vqa'], ['OK-VQA']],
    [['RET'], ['CIRR', 'EDIS']],
    [
      ['ood', 'OK-VQA'],
      ['OK-VQA', 'EDIS', 'RefCOCO-Matching'],
    ],
  ])('%s chooses datasets', async (subsets, names) => {
    expect((await suitesOf([`mmeb:${mmeb()}`], { subsets })).map(({ name }) => name)).toEqual(names)
  })

  test('a group that is none is told', async () => {
    await expect(suitesOf([`mmeb:${mmeb()}`], { subsets: ['OK-VQ'] })).rejects.toMatchObject({
      code: 'usage/option',
      hint: 'Did you mean "OK-VQA"?',
    })
  })

  test('a dataset: rows, averages, published scores; rows of a bad item are left out', async () => {
    const [source] = await suitesOf([`mmeb:${mmeb()}/OK-VQA`])
    const open = await source!.open()
    expect(open.averages).toEqual(['VQA', 'IND', 'overall', 'without_grounding'])
    expect(open.published).toContainEqual({
      model: 'TIGER-Lab/VLM2Vec-Qwen2VL-2B',
      metric: 'hit1',
      score: 0.482,
      source: expect.stringContaining('VLM2Vec'),
    })
    const { key } = open.task.test[3]!.query
    const less = open.without(new Map([[key, { code: 'media/damaged', message: 'it is cut', hint: '' }]]))
    const same = open.task.test.filter(({ query }) => query.key === key)
    expect(less.task.test.length).toBe(open.task.test.length - same.length)
    expect(less.problems.length).toBe(same.length)
    expect(less.problems[0]).toMatchObject({ row: '3', side: 'query', kind: 'picture-damaged' })
    expect(less.problems[0]?.message).toContain('OK-VQA, row 3, query')
    await open.close()
  })
})

describe('own files', () => {
  for (const [i, name] of ['cat/1.bmp', 'cat/2.bmp', 'dog/3.bmp', 'dog/4.bmp'].entries())
    write(`animals/${name}`, smallPicture(i))
  write('one/cat/1.bmp', smallPicture(1))

  test('a folder of class folders is classification', async () => {
    const said: string[] = []
    const [open] = await opened([join(dir, 'animals')], {
      instruction: 'Which animal?',
      warn: (message) => said.push(message),
    })
    const { name, metaTask, test: rows, chance } = open!.task
    expect([name, metaTask, rows.length, chance]).toEqual(['animals', 'classification', 4, 0.5])
    expect(rows[2]?.query).toMatchObject({ instruction: 'Which animal?' })
    expect(rows[2]!.candidates[rows[2]!.positive]?.text).toBe('dog')
    expect(said).toEqual([expect.stringContaining('read as classification')])
  })

  test('a folder of one class is told: every answer is right', async () => {
    const said: string[] = []
    await suitesOf([join(dir, 'one')], {
      kind: 'classification',
      warn: (message) => said.push(message),
    })
    expect(said).toEqual([expect.stringContaining('has one class: every answer is right')])
  })

  test('a table whose first line is one quoted cell gets a hint', async () => {
    const path = write('quoted.csv', '"image,text"\na.png\n')
    await expect(suitesOf([path], {})).rejects.toMatchObject({
      code: 'data/columns',
      hint: expect.stringContaining('The first line is one cell'),
    })
  })

  test('a limit takes rows away, no candidates', async () => {
    const [source] = await suitesOf([join(dir, 'animals')], { kind: 'classification' })
    const { task, total, close } = await source!.open({ limit: 1 })
    await close()
    expect([task.test.length, task.test[0]!.candidates.length, task.chance, total]).toEqual([1, 2, 0.5, 4])
  })

  test('each row that is no pair is a problem of its own', async () => {
    const path = write('few.jsonl', lines({ query: 'a', target: 'b' }, ...Array(150).fill({ query: 'x' })))
    const [open] = await opened([path], { kind: 'vqa' })
    expect(new Set(open!.problems.map(({ row }) => row)).size).toBe(150)
  })

  test('pictures and captions are retrieved both ways', async () => {
    const path = write('captions.csv', 'image,caption\nanimals/cat/1.bmp,a cat\nanimals/dog/3.bmp,a dog\n')
    const tasks = await opened([path], {
      kind: 'retrieval',
      columns: { queryImage: 'image', target: 'caption' },
    })
    expect(tasks.map(({ task }) => task.name)).toEqual([
      'captions (query to target)',
      'captions (target to query)',
    ])
    expect(tasks[1]?.task.test[0]?.query.text).toBe('a cat')
    expect(tasks[1]?.task.test[0]?.candidates.every(({ image }) => image?.length === 1)).toBe(true)
  })

  test('questions have their own wrong answers; a line that is none is told', async () => {
    const question = { query: { text: 'Which?', image: 'animals/cat/1.bmp' }, target: 'a cat' }
    const path = write(
      'questions.jsonl',
      lines({ ...question, negatives: ['a dog', 'a cow', 'a dog'] }, { query: 'x' }),
    )
    const [open] = await opened([path], { kind: 'vqa' })
    expect(open!.task.test[0]?.candidates.map(({ text }) => text)).toEqual([
      'a cat',
      'a dog',
      'a cow',
      'a dog',
    ])
    expect(open!.task.test[0]?.candidates[3]).toBe(open!.task.test[0]?.candidates[1])
    expect([open!.total, open!.problems.length]).toEqual([2, 1])
    expect(open!.problems[0]?.message).toContain('questions.jsonl, line 2')
    const { key } = open!.task.test[0]!.candidates[2]!
    const less = open!.without(new Map([[key, { code: 'family/empty', message: 'no tokens', hint: '' }]]))
    expect([less.task.test.length, less.task.chance]).toEqual([0, 0])
    expect(less.problems[1]).toMatchObject({
      row: '0',
      side: 'candidate',
      candidate: 2,
      kind: 'family/empty',
    })
  })

  test('queries, corpus and qrels are retrieval with grades; several such folders are visual documents', async () => {
    const beir = (name: string) => {
      write(`docs/${name}/queries.jsonl`, lines({ _id: 'q', text: 'cats' }))
      write(`docs/${name}/corpus.jsonl`, lines({ _id: 'a', text: 'a cat' }, { _id: 'b', text: 'a dog' }))
      write(`docs/${name}/qrels/test.tsv`, 'query-id\tcorpus-id\tscore\nq\ta\t2\n')
      return join(dir, 'docs', name)
    }
    const paths = [beir('one'), beir('two')]
    const [one] = await opened([paths[0]!])
    expect(one).toMatchObject({ metric: 'ndcg5', averages: [], total: 1 })
    expect(one!.task.test[0]).toMatchObject({ positives: [0], grades: [2] })
    const all = await opened([`visdoc:${join(dir, 'docs')}`])
    expect(all.map(({ task, averages }) => [task.name, ...averages])).toEqual([
      ['one', 'visdoc'],
      ['two', 'visdoc'],
    ])
    expect(all[0]!.task.test[0]?.query).toMatchObject({
      instruction: 'Find a document image that matches the given query:',
      text: 'cats',
    })
  })
})

describe('a task file', () => {
  test('describes tasks beside it', async () => {
    const path = write(
      'mytask.yaml',
      'tasks:\n  - name: pets\n    path: animals\n    instruction: Which animal?\n    domain: in\n    averages: [mine]\n',
    )
    const [open] = await opened([path])
    expect(open).toMatchObject({ averages: ['mine'], task: { name: 'pets', domain: 'in' } })
  })

  test.each([
    ['path: animals\nkind: clasification\n', /broken.yaml, line 2: .*kind/],
    ['tasks:\n  - path: animals\n    metric: hit7\n', /broken.yaml, line 3: .*metric: expected one of hit1/],
    ['tasks:\n  - path: animals\n    colums: {}\n', /broken.yaml, line 3: there is no key/],
    ['name: x\n', /path is missing/],
  ])('%j is told by file, line and key', async (content, message) => {
    const path = write('broken.yaml', content)
    await expect(suitesOf([path])).rejects.toThrow(message)
    await expect(suitesOf([path])).rejects.toMatchObject({ code: 'usage/config' })
  })
})

describe('published figures', () => {
  test('every dataset has figures; averages of a model are those of its datasets', () => {
    for (const name of SUBSETS.keys()) expect(publishedFor(name).length, name).toBe(7)
    expect(publishedFor('CIFAR-100')).toEqual([])
    const model = 'VLM2Vec/VLM2Vec-V2.0'
    const tasks = [...SUBSETS].map(([name]) => ({
      name,
      averages: averagesOf(subsetOf(name)),
      scores: { hit1: publishedFor(name).find((one) => one.model === model)!.score },
    }))
    const averages = macroAverages(tasks)
    expect(averages.map(({ tasks: own }) => own.length)).toEqual([10, 10, 12, 4, 20, 16, 36, 32])
    for (const { name, scores } of averages) {
      const known = AVERAGES.find((one) => one === name)!
      const printed = publishedAverages(known).find((one) => one.model === model)
      if (printed !== undefined) expect(Math.abs(scores.hit1! - printed.score), name).toBeLessThan(0.0011)
    }
  })

  test('a published mean stands beside that of its model where all its datasets were measured', () => {
    const tasks = [...SUBSETS.keys()].map((name) => ({
      name,
      suite: 'mmeb' as const,
      averages: averagesOf(subsetOf(name)),
    }))
    const models = [{ id: 'vlm2vec-v2.0' }, { id: 'tower' }]
    const means = publishedMeansOf(models, tasks)
    expect(means.map(({ mean, model, score }) => [mean, model, score])).toEqual(
      Object.entries({
        CLS: 0.629,
        VQA: 0.564,
        RET: 0.696,
        VG: 0.771,
        IND: 0.688,
        OOD: 0.601,
        overall: 0.649,
      }).map(([mean, score]) => [mean, 'vlm2vec-v2.0', score]),
    )
    const without = publishedMeansOf(
      models,
      tasks.filter(({ name }) => name !== 'CIRR'),
    )
    expect(without.map(({ mean }) => mean)).toEqual(['CLS', 'VQA', 'VG', 'OOD'])
  })
})
