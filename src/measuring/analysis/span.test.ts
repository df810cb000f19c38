/** @file Vectors of many elements: the same figures from the coordinates of their span. */

import { expect, test, vi } from 'vitest'
import { gram } from '../../foundation/numeric/linear.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { analyseAlignment } from './alignment.ts'
import { rowsAt, unitPairs } from './pairs.ts'
import { Products } from './products.ts'
import { rescore } from './remedies/rescore.ts'
import { bothInSpan, inSpan } from './span.ts'

const normals = (rows: number, dim: number, key: string) =>
  f32([rows, dim], fillNormal(new Float32Array(rows * dim), 1, stream(key)))
const texts = normals(40, 2000, 'texts')
const noise = normals(40, 2000, 'noise')
const images = f32(
  texts.dims,
  texts.data.map((value, at) => value + noise.data[at]! + (at % 2000 === 0 ? 200 : 0)),
)
const wide = unitPairs({ images, texts })

test('inner products stay, equal vectors take no element of their own, and short vectors stay', () => {
  const twice = rowsAt(texts, [0, 1, 2, 2, 1, 0])
  const [a, b] = bothInSpan({ images: twice, texts: twice }, { images, texts })
  const all = joined([a.images, a.texts, b.images, b.texts])!
  expect(all.dims).toEqual([92, 80])
  const given = joined([twice, twice, images, texts])!
  const [expected, found] = [gram(given, given).data, gram(all, all).data]
  expect(Math.max(...expected.map((value, at) => Math.abs(value - found[at]!)))).toBeLessThan(1e-6 * 10_000)
  const short = { images: normals(8, 16, 'a'), texts: normals(8, 16, 'b') }
  expect(inSpan(short).images).toBe(short.images)
})

test('an analysis of vectors with very many elements multiplies no matrix of their number', async () => {
  const clusters = Array.from({ length: 40 }, (_, i) => String(i))
  const times = vi.spyOn(Products.prototype, 'times')
  const found = await analyseAlignment(wide, { seed: 1, resamples: 2 })
  // Half the pairs fit a rotation of 2,000 dimensions: it turns nothing else.
  expect(found.get('procrustes')!.value).toBeGreaterThan(0)
  const rescored = (await rescore(wide, { seed: 2, clusters, resamples: 20 }))!
  const mixed = (remedy: string) =>
    rescored.rows.find((row) => row.remedy === remedy)!.figures.find(({ score }) => score === 'recallMixed')!
      .interval.value
  expect(mixed('centred')).toBeGreaterThan(mixed('none') + 0.2)
  expect(mixed('whitened')).toBeGreaterThan(mixed('none') + 0.2)
  const sizes = await Promise.all(times.mock.results.map(async ({ value }) => (await value).data.length))
  times.mockRestore()
  expect(Math.max(...sizes)).toBeLessThanOrEqual(80 * 80)
})
