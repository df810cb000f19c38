/** @file Twins with random weights on pairs in memory: every part of an analysis is there. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { keyed } from '../../inputs/data/item.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import { type Analysis, serializeAnalysis } from './analysis.ts'
import { analyzeModels } from './models.ts'
import { analysisWords } from './words.ts'

let dir = ''
let models: string[] = []
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-analysed-models-'))
  const twins = await writeRandomTwins(dir)
  models = [twins.ar, twins.diffusion]
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A picture of one colour, and its words. */
const picture = (i: number) => ({
  key: `colour ${i}`,
  read: () => ({
    width: 12,
    height: 12,
    data: Uint8Array.from({ length: 432 }, (_, at) => (37 * i + 91 * (at % 3) * i) % 256),
  }),
})
const pairs = Array.from({ length: 12 }, (_, i) => ({
  query: keyed({ text: `which number has this colour, after ${(i * 5) % 12}?`, image: picture(i) }),
  target: keyed({ text: `colour number ${i}` }),
  negatives: [],
}))
const data = memorySource('colours', [...pairs, pairs[3]!])
const options = { data, resamples: 20, load: { preset: 'none' } } as const

describe('two models', () => {
  let analysis: Analysis
  beforeAll(async () => {
    analysis = await analyzeModels({ ...options, models, vectors: join(dir, 'vectors') })
  }, 60_000)

  test('are measured in use and by layer, on pairs that count once', () => {
    expect(analysis.subjects.map(({ id, pairs: count }) => [id, count])).toEqual(models.map((id) => [id, 12]))
    const [first] = analysis.subjects
    expect(new Set(first!.figures.map(({ layer }) => layer)).size).toBeGreaterThan(3)
    expect(analysis.notes.join('\n')).toContain(
      '1 pair was left out because an item of theirs had come before',
    )
  })

  test('are compared, the first with the second', () => {
    expect(analysis.comparisons).toMatchObject([{ a: models[0], b: models[1] }])
    const value = (at: number) =>
      analysis.subjects[at]!.figures.find(
        ({ measure, layer }) => measure === 'modalityGap' && layer === null,
      )!
    const difference = analysis.comparisons[0]!.figures.find(({ measure }) => measure === 'modalityGap')!
    expect(difference.interval.value).toBeCloseTo(value(0).interval.value - value(1).interval.value, 6)
  })

  test('say what text and picture of a query do', () => {
    expect(analysis.fused.map(({ subject, side, items }) => [subject, side, items])).toEqual(
      models.map((id) => [id, 'query', 12]),
    )
    const figures = new Map(analysis.fused[0]!.figures.map(({ name, interval }) => [name, interval.value]))
    const [image, text] = [figures.get('sensitivityImage')!, figures.get('sensitivityText')!]
    expect(Math.min(image, text)).toBeGreaterThan(0)
    expect(figures.get('imageShare')).toBeCloseTo(image / (image + text), 6)
  })

  test('are too few pairs for remedies, and that is said', () => {
    expect(analysis.remedies).toEqual([])
    expect(analysisWords(analysis)).toContain('too few pairs to fit remedies')
  })

  test('come from the store in a second analysis, to the same bytes', async () => {
    const labels: string[] = []
    const again = await analyzeModels({
      ...options,
      ...{ models, vectors: join(dir, 'vectors') },
      onProgress: ({ label }) => labels.push(label),
    })
    expect(serializeAnalysis(again)).toBe(serializeAnalysis(analysis))
    expect(labels.some((label) => label.startsWith('embedding'))).toBe(false)
  }, 60_000)
})

test('readouts are compared with the one in use, under both kinds of attention', async () => {
  const { ablations } = await analyzeModels({
    ...options,
    ...{ models: [models[0]!], ablate: true, layers: false, remedies: false },
  })
  const { rows } = ablations[0]!
  expect(rows.filter(({ base }) => base)).toHaveLength(1)
  expect(new Set(rows.map(({ attention }) => attention))).toEqual(new Set(['native', 'bidirectional']))
  expect(new Set(rows.map(({ pool }) => pool))).toEqual(new Set(['last', 'mean', 'weighted']))
  expect(new Set(rows.map(({ quantize }) => quantize))).toEqual(new Set(['none', 'int8', 'binary']))
  const states = new Set(rows.map((row) => JSON.stringify([row.layer, row.norm, row.pool, row.attention])))
  expect(
    states.size * rows.filter((row) => JSON.stringify(row).includes('"pool":"last"')).length,
  ).toBeGreaterThan(0)
  expect(rows.length % states.size).toBe(0)
}, 60_000)

test.each([
  ['a name', (model: string) => model],
  ['a path', (model: string) => `${model}/.`],
])('one model twice is refused, told by %s', async (_, again) => {
  const twice = analyzeModels({ ...options, models: [models[0]!, again(models[0]!)] })
  await expect(twice).rejects.toMatchObject({ code: 'usage/arguments' })
})

test('too few pairs are refused before a model is opened', async () => {
  const few = memorySource('few', [...pairs.slice(0, 7), pairs[0]!])
  await expect(analyzeModels({ ...options, data: few, models: ['no such model'] })).rejects.toMatchObject({
    code: 'analysis/too-few',
    message: expect.stringContaining('7 pairs, expected at least 8 (1 pair was left out'),
  })
})

test('the base of a model that was not tuned by an adapter is refused', async () => {
  await expect(analyzeModels({ ...options, models: [models[0]!], base: true })).rejects.toMatchObject({
    code: 'usage/arguments',
  })
})
