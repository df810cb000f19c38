/** @file Pairs with a common picture or text stand on one side of every split. */

import { expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { analyseAlignment } from './alignment.ts'
import { halvesOf, linkedPairs, partOf } from './linked.ts'
import { rowsAt, unitPairs } from './pairs.ts'
import { rescore } from './remedies/rescore.ts'

const normals = (rows: number, dim: number, key: string) =>
  f32([rows, dim], fillNormal(new Float32Array(rows * dim), 1, stream(key)))

test('pairs are linked by cluster, by image and by text, and through a third', () => {
  const images = rowsAt(normals(6, 4, 'images'), [0, 1, 2, 2, 4, 5])
  const texts = rowsAt(normals(6, 4, 'texts'), [0, 1, 2, 3, 0, 5])
  // 0 and 4 share a text, 2 and 3 an image, 3 and 4 a cluster.
  expect([...linkedPairs({ images, texts }, ['a', 'b', 'c', 'd', 'd', 'e'])]).toEqual([0, 1, 0, 0, 0, 5])
  expect([...linkedPairs({ images, texts })]).toEqual([0, 1, 2, 2, 0, 5])
})

test('halves hold as many pairs as they can, and no link crosses them', () => {
  expect([...halvesOf([0, 1, 2, 3])]).toEqual([0, 1, 0, 1])
  expect([...halvesOf([0, 0, 0, 3, 4, 5])]).toEqual([0, 0, 0, 1, 1, 1])
})

/** Pairs that say nothing, each of them twice, one after the other. */
const twice = Array.from({ length: 120 }, (_, i) => i >> 1)
const copies = (images: string, texts: string) =>
  unitPairs({
    images: rowsAt(normals(60, 60, images), twice),
    texts: rowsAt(normals(60, 60, texts), twice),
  })
const clusters = twice.map(String)

test('an axis is not told from copies of the pairs that it is scored on', async () => {
  const found = await analyseAlignment(copies('i', 't'), { seed: 1, resamples: 2, clusters })
  // With copies in the other half it would be 1.
  expect(found.get('separability')!.value).toBeLessThan(0.7)
})

test('remedies: pairs of one text are never fitted and scored', async () => {
  const texts = rowsAt(normals(1, 60, 'one text'), new Uint8Array(120))
  const pairs = unitPairs({ images: normals(120, 60, 'images'), texts })
  const own = twice.map((_, i) => String(i))
  expect(await rescore(pairs, { seed: 3, clusters: own, resamples: 20 })).toBeUndefined()
})

test('linked pairs choose a setting together, or are fitted together', () => {
  const part = partOf(
    twice.map((first) => 2 * first),
    0.25,
    stream('part'),
  )
  expect(part.size).toBeGreaterThan(18)
  expect(part.size).toBeLessThan(44)
  for (const row of part) expect(part.has(row ^ 1)).toBe(true)
})

test('where no pairs are left to choose a setting, the one in the middle is taken and that is said', async () => {
  // All pairs to fit have one text.
  const fitting = unitPairs({
    images: normals(40, 60, 'fit'),
    texts: rowsAt(normals(1, 60, 'one text'), new Uint8Array(40)),
  })
  const found = await rescore(copies('i', 't'), { seed: 3, clusters, resamples: 20, fitting })
  expect(found!.rows.find(({ remedy }) => remedy === 'linear')!.setting).toBe(
    'ridge 0.1, not chosen: too few pairs',
  )
})
