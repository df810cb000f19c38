/** @file Files of vectors: matched by id or by row, and refused where they do not fit. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { writeVectors } from '../../models/embedder/vectors/file.ts'
import { readAnalysis, serializeAnalysis } from './analysis.ts'
import { rowsAt } from './pairs.ts'
import { analyzeVectors } from './vectors.ts'
import { analysisWords } from './words.ts'

const dir = mkdtempSync(join(tmpdir(), 'bifocal-analysis-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const ROWS = 80
const normals = (rows: number, dim: number, key: string) =>
  f32([rows, dim], fillNormal(new Float32Array(rows * dim), 1, stream(key)))
const texts = normals(ROWS, 8, 'texts')
const noise = normals(ROWS, 8, 'noise')
const images = f32(
  texts.dims,
  texts.data.map((value, at) => value + 0.3 * noise.data[at]!),
)
const order = Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS)
const kept = order.map((_, i) => i)
const write = async (name: string, vectors: Tensor<'f32'>, ids?: string[]) => {
  const path = join(dir, name)
  const rows = vectors.dims[0]!
  await writeVectors(path, { vectors, kept: kept.slice(0, rows), items: rows, ...(ids && { ids }) })
  return path
}
const shuffled = f32(
  texts.dims,
  order.flatMap((i) => Array.from(texts.data.subarray(8 * i, 8 * i + 8))),
)
const names = kept.map((i) => `item ${i}`)
const options = { resamples: 20, remedies: false }
const recall = async (given: { images: string | Tensor<'f32'>; texts: string | Tensor<'f32'> }) =>
  (await analyzeVectors({ ...given, ...options })).subjects[0]!.figures.find(
    ({ measure }) => measure === 'recallImageToText',
  )!.interval.value

const inMemory = await recall({ images, texts })

test.each(['npy', 'parquet', 'safetensors', 'jsonl'])(
  '.%s gives what the same vectors in memory give',
  async (end) => {
    const found = await recall({
      images: await write(`a.${end}`, images),
      texts: await write(`b.${end}`, texts),
    })
    expect(found).toBe(inMemory)
  },
)

test('rows with ids are matched by these, whatever their order', async () => {
  const a = await write('ids.parquet', images, names)
  const b = await write(
    'shuffled.jsonl',
    shuffled,
    order.map((i) => names[i]!),
  )
  expect(await recall({ images: a, texts: b })).toBe(inMemory)
  expect(await recall({ images, texts: shuffled })).toBeLessThan(inMemory / 2)
})

test.each<[string, () => Promise<{ images: string | Tensor<'f32'>; texts: string | Tensor<'f32'> }>]>([
  ['analysis/count', async () => ({ images, texts: normals(ROWS - 1, 8, 'short') })],
  ['analysis/dims', async () => ({ images, texts: normals(ROWS, 9, 'wide') })],
  ['analysis/too-few', async () => ({ images: normals(3, 8, 'a'), texts: normals(3, 8, 'b') })],
  ['analysis/too-few', async () => ({ images: normals(7, 8, 'a'), texts: normals(7, 8, 'b') })],
  ['analysis/too-few', async () => ({ images: rowsAt(images, new Uint8Array(ROWS)), texts })],
  ['analysis/zero-vector', async () => ({ images, texts: f32(texts.dims, new Float32Array(ROWS * 8)) })],
  ['statistics/not-finite', async () => ({ images, texts: f32(texts.dims, texts.data.map(Math.sqrt)) })],
  [
    'analysis/ids',
    async () => ({
      images: await write('x.parquet', images, names),
      texts: await write(
        'y.parquet',
        texts,
        names.map((name) => name.replace('item 3', 'thing 3')),
      ),
    }),
  ],
  ['file/missing', async () => ({ images: join(dir, 'absent.npy'), texts })],
  [
    'embedder/vector-format',
    async () => ({ images: await write('odd.npy', images), texts: join(dir, 'labels.txt') }),
  ],
])('%s', async (code, given) => {
  writeFileSync(join(dir, 'labels.txt'), 'a\n')
  await expect(analyzeVectors({ ...(await given()), ...options })).rejects.toMatchObject({ code })
})

test('one label alone gives no score of clusters', async () => {
  const labels = names.map(() => 'a')
  const { remedies, notes } = await analyzeVectors({ images, texts, labels, resamples: 20 })
  expect(remedies[0]!.rows[0]!.figures.map(({ score }) => score)).not.toContain('vMeasure')
  expect(notes).toEqual(['all labels are the same: there is no score of clusters'])
})

test('options are checked, and labels counted', async () => {
  const wrong = { images, texts, remedys: false }
  await expect(analyzeVectors(wrong)).rejects.toMatchObject({ code: 'usage/option' })
  await expect(analyzeVectors({ images, texts, labels: ['a'] })).rejects.toMatchObject({
    code: 'analysis/count',
  })
})

test('an analysis is read as it was written, and says each measure with how to read it', async () => {
  const given = { images, texts, resamples: 20, sample: 40 }
  const analysis = await analyzeVectors(given)
  const json = serializeAnalysis(analysis)
  expect(serializeAnalysis(await analyzeVectors(given))).toBe(json)
  writeFileSync(join(dir, 'analysis.json'), json)
  expect(serializeAnalysis(await readAnalysis(join(dir, 'analysis.json')))).toBe(json)
  const words = analysisWords(analysis)
  for (const { label, meaning } of analysis.measures)
    for (const said of [label, meaning]) expect(words).toContain(said)
  expect(words).toContain('80 pairs of 8 elements, 40 of them for measures marked ~')
  expect(words).toContain('the change against "as is"')
})

test('pairs of one image are drawn together, and the note counts them', async () => {
  const doubled = rowsAt(images, [...kept, ...kept])
  const both = f32(
    [2 * ROWS, 8],
    Float32Array.from([...texts.data, ...normals(ROWS, 8, 'second texts').data]),
  )
  const { subjects, notes } = await analyzeVectors({ images: doubled, texts: both, ...options })
  expect(subjects[0]).toMatchObject({ pairs: 2 * ROWS, clusters: ROWS })
  expect(notes.join()).toContain(`${ROWS} of ${2 * ROWS} pairs have the image or the text of an earlier pair`)
})

test('remedies are not fitted to pairs that are scored', async () => {
  const fitted = { images: normals(40, 8, 'fit images'), texts: normals(40, 8, 'fit texts') }
  const mixed = {
    images: f32([120, 8], Float32Array.from([...images.data, ...fitted.images.data])),
    texts: f32([120, 8], Float32Array.from([...texts.data, ...fitted.texts.data])),
  }
  const given = { images, texts, resamples: 20 }
  const leaking = await analyzeVectors({ ...given, fitting: mixed })
  const clean = await analyzeVectors({ ...given, fitting: fitted })
  expect(leaking.remedies).toEqual(clean.remedies)
  expect(leaking.notes.join()).toContain(`${ROWS} of the pairs to fit have an image that is scored`)
  expect(clean.notes).toEqual([])
})
