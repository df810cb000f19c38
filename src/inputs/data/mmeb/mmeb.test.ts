import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wholeFixtures } from '../../../../test/golden.ts'
import { BifocalError } from '../../../foundation/numeric/errors.ts'
import { type KeyedItem, readItem } from '../item.ts'
import { candidateTexts, queryText } from './assemble.ts'
import { type MmebDataset, withoutItems } from './dataset.ts'
import { type MmebOptions, openMmeb } from './folder.ts'
import { candidateName, SUBSETS, subsetOf } from './subsets.ts'

const fixture = join(wholeFixtures, 'bench-mmeb')
const there = existsSync(fixture)
const json = (name: string): unknown => JSON.parse(there ? readFileSync(join(fixture, name), 'utf8') : 'null')

const sides = z.object({ queries: z.array(z.string()), candidates: z.array(z.string()) })
const subsets = z.record(
  z.string(),
  z.object({
    meta: z.string().nullable(),
    domain: z.string().nullable(),
    averaged: z.boolean(),
    rows: z.int(),
    list_lengths: z.array(z.int()),
    unique: z.object({ queries: z.int(), candidates: z.int(), candidates_v2: z.int().optional() }),
    prompts: z.record(z.string(), sides),
    stray: z.record(z.string(), z.object({ prompts: z.array(z.string()) })).optional(),
  }),
)
const expected = z
  .object({ presets: z.object({ 'vlm2vec-qwen2-vl': z.object({ subsets }) }) })
  .nullable()
  .parse(json('expected.json'))
const cases = Object.entries(expected?.presets['vlm2vec-qwen2-vl'].subsets ?? {})

const reading = async (folder: string, name: string, options?: MmebOptions) => {
  const opened = await openMmeb(join(fixture, folder))
  return { opened, dataset: await opened.read(name, options) }
}

/** As the presets' template puts it: `{image} {instruction} {text}`. */
function promptOf(token: string, { text = '', image = [] }: KeyedItem): string {
  return image.length === 0 ? text : `${token}${text.startsWith('\n') ? '' : ' '}${text}`
}

/** Content of all rows: texts and hashes of pictures. */
const contentOf = ({ task }: MmebDataset) =>
  task.test.map(({ id, query, candidates }) => [id, query.key, candidates.map(({ key }) => key)])

describe('a dataset in the layout of MMEB-V1', () => {
  test.skipIf(!there)('the fixture has datasets', () => {
    expect(cases.length).toBeGreaterThan(8)
  })

  test.each(cases)('%s: rows, unique items and texts of the reference', async (name, wanted) => {
    const { opened, dataset } = await reading('eval', name)
    const { test: rows, metaTask, domain } = dataset.task
    expect(dataset.problems).toEqual([])
    expect([dataset.total, rows.length]).toEqual([wanted.rows, wanted.rows])
    expect(rows.map(({ candidates }) => candidates.length)).toEqual(wanted.list_lengths)
    expect(dataset.unique).toMatchObject({
      queries: wanted.unique.queries,
      candidates: wanted.unique.candidates,
      ...(wanted.unique.candidates_v2 !== undefined && { named: wanted.unique.candidates_v2 }),
    })
    const short = { classification: 'CLS', vqa: 'VQA', retrieval: 'RET', grounding: 'VG' }
    expect(dataset.subset.averaged).toBe(wanted.averaged)
    if (wanted.averaged)
      expect([short[metaTask], domain === 'in' ? 'IND' : 'OOD']).toEqual([wanted.meta, wanted.domain])
    for (const [preset, { queries, candidates }] of Object.entries(wanted.prompts)) {
      const token = preset.includes('qwen') ? '<|image_pad|>' : '<image>'
      const texts = (items: readonly KeyedItem[]) => items.map((item) => promptOf(token, item))
      expect(texts(rows.slice(0, queries.length).map(({ query }) => query))).toEqual(queries)
      expect(texts(rows[0]!.candidates.slice(0, candidates.length))).toEqual(candidates)
    }
    await opened.close()
  })

  test.skipIf(!there)('has stray placeholders read in three ways', async () => {
    const wanted = expected?.presets['vlm2vec-qwen2-vl'].subsets.EDIS?.stray ?? {}
    const texts = async (options: MmebOptions) => {
      const { opened, dataset } = await reading('eval', 'EDIS', options)
      await opened.close()
      return dataset.task.test.slice(0, 3).map(({ query }) => query.text)
    }
    expect(await texts({ stray: 'keep', imageToken: '<|image_pad|>' })).toEqual(wanted.keep?.prompts)
    expect(await texts({ stray: 'token-only' })).toEqual(wanted['token-only']?.prompts)
  })
})

test.skipIf(!there).each([
  ['eval-v2', 'OK-VQA'],
  ['eval-v2', 'VisDial'],
  ['eval-v2', 'RefCOCO-Matching'],
  ['eval-zip', 'OK-VQA'],
  ['eval-zip', 'CIRR'],
])('%s, %s: the same items as from the folder of MMEB-V1', async (folder, name) => {
  const plain = await reading('eval', name)
  const other = await reading(folder, name)
  expect(other.dataset.problems).toEqual([])
  expect(contentOf(other.dataset)).toEqual(contentOf(plain.dataset))
  const [row] = other.dataset.task.test
  expect((await readItem(row!.query)).pictures.length).toBe(row!.query.image?.length ?? 0)
  await plain.opened.close()
  await other.opened.close()
})

describe('texts of MMEB-V2', () => {
  test.each([
    [
      'ImageNet-1K',
      '<|image_1|>\nRepresent the given image for classification',
      '',
      '<|image_1|>\nRepresent the given image for classification\n',
    ],
    ['OK-VQA', '<|image_1|> Represent the question: ', 'Why?', '<|image_1|>\nRepresent the question: Why?\n'],
    ['VisDial', 'Represent the dialogue:', 'Q:a\nA:b', 'Represent the dialogue: Q:a\nA:b\n\n'],
    ['EDIS', '<|image_1|>\nFind', 'a cat', '<|image_1|>\nFind a cat\n'],
    ['CIRR', '<|image_1|>\nFind', 'darker', '<|image_1|>\nFind darker\n'],
  ])('%s: the query %j with %j', (dataset, instruction, text, whole) => {
    expect(queryText(dataset, subsetOf(dataset).parser, instruction, text)).toBe(whole)
  })

  test.each([
    ['OK-VQA', '', ['a', 'b'], ['a', 'b']],
    ['VisDial', '<|image_1|>\nRepresent', ['', ''], ['<|image_1|>\nRepresent\n', '<|image_1|>\nRepresent\n']],
    [
      'EDIS',
      '<|image_1|>\nRepresent:',
      ['a', 'b'],
      ['<|image_1|>\nRepresent: a\n', '<|image_1|>\nRepresent: b\n'],
    ],
    [
      'MSCOCO',
      '<|image_1|>\nRepresent the object',
      ['', 'x'],
      ['<|image_1|>\nRepresent the object', '<|image_1|>\nRepresent the object'],
    ],
  ])('%s: the candidates %j with %j', (dataset, instruction, texts, whole) => {
    expect(candidateTexts(subsetOf(dataset).parser, instruction, texts)).toEqual(whole)
  })

  test('candidates are told by text, by path, or by both', () => {
    expect(candidateName('question', 'a', '')).toBe('a')
    expect(candidateName('text-to-image', 'a', 'p')).toBe('p')
    expect(candidateName('image-to-image', '"a"', 'p')).toBe('p:a')
  })

  test('there are 36 datasets, 20 of them in-domain', () => {
    expect(SUBSETS.size).toBe(36)
    const all = [...SUBSETS.values()]
    expect(all.filter(({ domain }) => domain === 'in').length).toBe(20)
    const of = (metaTask: string) => all.filter((one) => one.metaTask === metaTask).length
    expect(['classification', 'vqa', 'retrieval', 'grounding'].map(of)).toEqual([10, 10, 12, 4])
    expect(subsetOf('ImageNet_1K')).toBe(SUBSETS.get('ImageNet-1K'))
  })
})

const damaged = z
  .object({
    cases: z.array(
      z.object({
        name: z.string(),
        dataset: z.string(),
        accept: z.string().optional(),
        report: z.array(z.record(z.string(), z.unknown())),
        usable: z.array(z.int()),
      }),
    ),
  })
  .nullable()
  .parse(json('damaged.json'))

/** Reads every item, as an embedder does; Qwen's tokenizer makes no token of an empty text. */
async function failuresOf({ task }: MmebDataset): Promise<Map<string, BifocalError>> {
  const failures = new Map<string, BifocalError>()
  for (const item of new Set(task.test.flatMap(({ query, candidates }) => [query, ...candidates]))) {
    const failure = await readItem(item).then(
      () =>
        item.image === undefined && item.text === ''
          ? new BifocalError('family/empty', { message: 'no tokens', hint: 'Give a text.' })
          : undefined,
      (error: unknown) => (error instanceof BifocalError ? error : undefined),
    )
    if (failure !== undefined) failures.set(item.key, failure)
  }
  return failures
}

test.each(damaged?.cases ?? [])('damaged: $name is told, the rest goes on', async (one) => {
  const { opened, dataset } = await reading(`damaged/${one.name}`, one.dataset)
  const whole = withoutItems(dataset, await failuresOf(dataset))
  const found = whole.problems.map(({ error: _, ...problem }) => problem)
  expect(found.length).toBe(one.report.length)
  for (const wanted of one.report) expect(found).toContainEqual(expect.objectContaining(wanted))
  const usable = whole.task.test.map(({ id }) => Number(id))
  if (one.name === 'parquet-rows') expect(usable).toEqual([])
  else expect(usable).toEqual(one.usable)
  for (const { error, dataset: name } of whole.problems) {
    expect(error.message.startsWith(name)).toBe(true)
    expect(error.hint).not.toBe('')
  }
  if (dataset.problems.length > 0)
    await expect(opened.read(one.dataset, { strict: true })).rejects.toBeInstanceOf(BifocalError)
  await opened.close()
})

test('a folder without datasets, and a dataset that is not there, are told', async () => {
  await expect(openMmeb('/no/such/folder')).rejects.toMatchObject({ code: 'file/missing' })
  await expect(openMmeb('src')).rejects.toThrow(/holds no dataset of MMEB-eval/)
  if (!there) return
  const opened = await openMmeb(join(fixture, 'eval'))
  await expect(opened.read('CIR')).rejects.toMatchObject({
    code: 'usage/option',
    hint: 'Did you mean "CIRR"?',
  })
})
