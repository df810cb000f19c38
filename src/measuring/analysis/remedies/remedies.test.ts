/** @file Remedies on made pairs: each undoes the harm that it is for. */

import { describe, expect, test } from 'vitest'
import { gram, transpose } from '../../../foundation/numeric/linear.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { type Pairs, unitPairs } from '../pairs.ts'
import { Products } from '../products.ts'
import { polarFactor } from '../rotation.ts'
import { ridgeMap } from './linear.ts'
import { type Rescored, rescore } from './rescore.ts'
import { targetPotential } from './transport.ts'
import { shrunkCovariance } from './whitened.ts'

const normals = (rows: number, dim: number, key: string) =>
  f32([rows, dim], fillNormal(new Float32Array(rows * dim), 1, stream(key)))
const plus = (matrix: Tensor<'f32'>, other: (at: number) => number) =>
  f32(
    matrix.dims,
    matrix.data.map((value, at) => value + other(at)),
  )
const products = new Products()
const DIM = 16
const texts = normals(300, DIM, 'texts')
const noise = normals(300, DIM, 'noise')
const noisy = plus(texts, (at) => 0.5 * noise.data[at]!)
const clusters = Array.from({ length: 300 }, (_, i) => String(i))
const scored = async (pairs: Pairs, labels?: string[]) =>
  (await rescore(unitPairs(pairs), { seed: 7, clusters, resamples: 200, ...(labels && { labels }) }))!
const change = ({ rows }: Rescored, remedy: string, score: string) =>
  rows.find((row) => row.remedy === remedy)!.figures.find((one) => one.score === score)!.difference!

describe('a shift of the images', async () => {
  const shifted = plus(noisy, (at) => (at % DIM === 0 ? 6 : 0))
  const labels = Array.from({ length: 300 }, (_, i) => (texts.data[i * DIM + 1]! > 0 ? 'a' : 'b'))
  const found = await scored({ images: shifted, texts }, labels)

  test('is undone by centring: partners in a mixed pool are found', () => {
    expect(found.rows[0]).toMatchObject({ remedy: 'none', label: 'as is' })
    expect(change(found, 'centred', 'recallMixed').low).toBeGreaterThan(0.1)
  })
  test('no pair is both fitted and scored', () => expect(found.fitted + found.scored).toBe(300))
  test('clusters of both modalities are scored where there are labels', () =>
    expect(found.rows[1]!.figures.map(({ score }) => score)).toContain('vMeasure'))
})

test('images in turned axes are found by the rotation and by the linear map, not by centring', async () => {
  const turn = await polarFactor(normals(DIM, DIM, 'turn'), products)
  const found = await scored({ images: await products.times(noisy, turn), texts })
  for (const remedy of ['linear', 'orthogonal'])
    expect(change(found, remedy, 'recallImageToText').low).toBeGreaterThan(0.3)
  expect(change(found, 'centred', 'recallImageToText').high).toBeLessThan(0.1)
})

test('few strong directions that say nothing are made harmless by whitening', async () => {
  const wild = normals(600, 2, 'wild')
  const withWild = (matrix: Tensor<'f32'>, from: number) =>
    plus(matrix, (at) => (at % DIM < 2 ? 12 * wild.data[2 * (from + Math.floor(at / DIM)) + (at % DIM)]! : 0))
  const found = await scored({ images: withWild(noisy, 0), texts: withWild(texts, 300) })
  expect(change(found, 'whitened', 'recallImageToText').low).toBeGreaterThan(0.2)
})

test('too few pairs give no table', async () => {
  const few = { images: normals(12, 4, 'few'), texts: normals(12, 4, 'others') }
  const options = { seed: 7, clusters: clusters.slice(0, 12) }
  expect(await rescore(unitPairs(few), options)).toBeUndefined()
})

test('pairs of their own are fitted, and all others scored', async () => {
  const fitting = unitPairs({ images: normals(40, DIM, 'i'), texts: normals(40, DIM, 't') })
  const found = await rescore(unitPairs({ images: noisy, texts }), {
    seed: 7,
    clusters,
    resamples: 50,
    fitting,
  })
  expect(found).toMatchObject({ fitted: 40, scored: 300 })
})

describe('algebra', () => {
  test('the polar factor is orthogonal, and leaves a symmetric rest', async () => {
    const matrix = normals(12, 12, 'square')
    const turn = await polarFactor(matrix, products)
    const unit = gram(turn, turn).data
    expect(Math.max(...unit.map((value, at) => Math.abs(value - (at % 13 === 0 ? 1 : 0))))).toBeLessThan(1e-4)
    const rest = gram(transpose(turn), transpose(matrix)).data
    const skew = rest.map((value, at) => value - rest[(at % 12) * 12 + Math.floor(at / 12)]!)
    expect(Math.max(...skew.map(Math.abs))).toBeLessThan(1e-3)
  })

  test('ridge regression is the same from rows as from dimensions', async () => {
    // 40 rows of 16 elements; the same rows with 48 elements of nothing beside them.
    const [x, y] = [normals(40, 16, 'x'), normals(40, 16, 'y')]
    const wide = f32([40, 64], new Float32Array(40 * 64))
    for (let row = 0; row < 40; row++) wide.data.set(x.data.subarray(row * 16, row * 16 + 16), row * 64)
    const narrow = (await ridgeMap(x, y, 0.1, products)).data
    // The mean variance is a quarter.
    const other = (await ridgeMap(wide, y, 0.4, products)).data.subarray(0, 16 * 16)
    expect(Math.max(...other.map((value, at) => Math.abs(value - narrow[at]!)))).toBeLessThan(1e-4)
  })

  test('shrinkage is small for many rows of unequal variance, and large for few of equal', async () => {
    const unequal = normals(4000, 8, 'many')
    unequal.data.forEach((value, at) => {
      unequal.data[at] = value * (1 + (at % 8))
    })
    expect((await shrunkCovariance(unequal, products)).shrinkage).toBeLessThan(0.01)
    expect((await shrunkCovariance(normals(10, 8, 'few'), products)).shrinkage).toBeGreaterThan(0.4)
  })

  test('the plan of the potential has equal marginals', () => {
    const cosines = f32([6, 6], normals(6, 6, 'cosines').data.map(Math.tanh))
    const potential = targetPotential(cosines, 0.3)
    const weights = cosines.data.map((cosine, at) => Math.exp((cosine - 1 + potential[at % 6]!) / 0.3))
    const rows = Array.from({ length: 6 }, (_, i) => weights.slice(i * 6, i * 6 + 6).reduce((a, b) => a + b))
    const columns = Array.from({ length: 6 }, (_, j) =>
      rows.reduce((sum, row, i) => sum + weights[i * 6 + j]! / row, 0),
    )
    for (const column of columns) expect(column).toBeCloseTo(1, 2)
  })
})
