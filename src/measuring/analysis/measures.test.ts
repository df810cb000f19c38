import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { type MeasureName, measure, measures } from './measures.ts'
import type { Pairs } from './pairs.ts'

const rows = (vectors: number[][]) => f32([vectors.length, vectors[0]!.length], vectors.flat())
const pairsOf = (images: number[][], texts: number[][]): Pairs => ({
  images: rows(images),
  texts: rows(texts),
})
const repeat = <T>(count: number, at: (i: number) => T) => Array.from({ length: count }, (_, i) => at(i))
const axis = (dim: number, at: number, length = 1) => repeat(dim, (d) => (d === at ? length : 0))
const normals = (count: number, dim: number, ...key: (string | number)[]) =>
  f32([count, dim], fillNormal(new Float32Array(count * dim), 1, stream(...key)))

const random = normals(40, 16, 'images')
/** Turns the planes (0, 1), (2, 3), … by one radian and then mirrors axis 0. */
const turned = f32(
  random.dims,
  random.data.map((value, at) => {
    const even = at % 2 === 0
    const partner = random.data[even ? at + 1 : at - 1]!
    const rotated = Math.cos(1) * value + (even ? -1 : 1) * Math.sin(1) * partner
    return at % 16 === 0 ? -rotated : rotated
  }),
)

const identical: Pairs = { images: random, texts: random }
const rotated: Pairs = { images: random, texts: turned }
const antipodal = pairsOf(
  repeat(6, () => [1, 0, 0]),
  repeat(6, () => [-1, 0, 0]),
)
/** Images (c, ±s) and texts (−c, ±s): the same two points, shifted by 2c. */
const shifted = pairsOf(
  repeat(8, (i) => [0.8, i % 2 === 0 ? 0.6 : -0.6]),
  repeat(8, (i) => [-0.8, i % 2 === 0 ? 0.6 : -0.6]),
)
/** Images ±x and texts ±y: one centroid, different shapes. */
const crossed = pairsOf(
  repeat(8, (i) => [i % 2 === 0 ? 1 : -1, 0]),
  repeat(8, (i) => [0, i % 2 === 0 ? 1 : -1]),
)
const orthonormal = pairsOf(
  repeat(5, (i) => axis(10, i)),
  repeat(5, (i) => axis(10, 5 + i)),
)
const circle = pairsOf(
  repeat(100, (i) => [Math.cos((2 * Math.PI * i) / 100), Math.sin((2 * Math.PI * i) / 100)]),
  repeat(100, (i) => [Math.cos((2 * Math.PI * i) / 100), Math.sin((2 * Math.PI * i) / 100)]),
)
/** Modified Bessel function of order 0 at 4: the mean of exp(4 cos θ) over the circle. */
const BESSEL_I0_OF_4 = 11.30192195213633
const circleUniformity = Math.log((100 * Math.exp(-4) * BESSEL_I0_OF_4 - 1) / 99)

describe('closed forms', () => {
  test.each<[string, Pairs, Partial<Record<MeasureName, number>>]>([
    [
      'identical sets',
      identical,
      {
        modalityGap: 0,
        distributionGap: 0,
        relativeGap: 0,
        separability: 0.5,
        matchedAuc: 1,
        recallImageToText: 1,
        recallTextToImage: 1,
        alignment: 0,
        centredAlignment: 0,
        linearCka: 1,
        mutualNeighbours: 1,
      },
    ],
    ['a rotation and a mirror', rotated, { linearCka: 1, mutualNeighbours: 1 }],
    [
      'two antipodal points: every text is the same, so recall is chance',
      antipodal,
      {
        modalityGap: 2,
        distributionGap: 0,
        relativeGap: 1,
        separability: 1,
        matchedMargin: 0,
        matchedAuc: 0.5,
        recallImageToText: 1 / 6,
        recallTextToImage: 1 / 6,
        alignment: 4,
        centredAlignment: 0,
        uniformityImages: 0,
        hubness: 0,
      },
    ],
    [
      'a shift: all of the gap is in the centroids',
      shifted,
      {
        modalityGap: 1.6,
        distributionGap: 0,
        alignment: 2.56,
        centredAlignment: 0,
        separability: 1,
        linearCka: 1,
      },
    ],
    [
      'the same centroid: all of the gap is in the shapes',
      crossed,
      // Within either 2 × 4 of 7; between, squared 2 and 2/7 for centroids that followed their
      // points.
      {
        modalityGap: 0,
        distributionGap: 1 - 16 / 7 / (2 * Math.sqrt(16 / 7)),
        alignment: 2,
        centredAlignment: 2,
        linearCka: 1,
        matchedMargin: 0,
      },
    ],
    [
      'orthogonal vectors',
      orthonormal,
      {
        modalityGap: Math.sqrt(2 / 5),
        relativeGap: 0.5,
        matchedMargin: 0,
        matchedAuc: 0.5,
        alignment: 2,
        uniformityImages: -4,
        uniformityTexts: -4,
      },
    ],
    [
      'evenly on a circle',
      circle,
      {
        uniformityImages: circleUniformity,
        uniformityTexts: circleUniformity,
        modalityGap: 0,
        matchedMargin: 1 + 1 / 99,
      },
    ],
  ])('%s', async (_, pairs, expected) => {
    const names = Object.keys(measures).filter((name): name is MeasureName => name in expected)
    const got = await Promise.all(names.map(async (name) => [name, await measure(name, pairs)] as const))
    // Inner products are f32: a gap is the root of their difference, good to about √1e-7.
    for (const [name, figure] of got)
      expect
        .soft({ [String(name)]: figure })
        .toEqual({ [String(name)]: expect.closeTo(expected[name as MeasureName]!, 3) })
    expect(names).toHaveLength(Object.keys(expected).length)
  })
})

describe('random sets', () => {
  const trials = repeat(
    30,
    (trial): Pairs => ({ images: normals(40, 64, 'a', trial), texts: normals(40, 64, 'b', trial) }),
  )
  const average = async (name: MeasureName) =>
    mean(await Promise.all(trials.map((pairs) => measure(name, pairs))))

  test('independent sets have no CKA, although they have fewer vectors than dimensions', async () =>
    expect(Math.abs(await average('linearCka'))).toBeLessThan(0.03))
  test('equal distributions have no distribution gap', async () =>
    expect(Math.abs(await average('distributionGap'))).toBeLessThan(0.005))
  test('equal distributions have the modality gap √(2 / pairs) of their sampling noise', async () =>
    expect(await average('modalityGap')).toBeCloseTo(Math.sqrt(2 / 40), 2))
  test('independent sets are matched by chance', async () => {
    expect(await average('matchedAuc')).toBeCloseTo(0.5, 1)
    expect(await average('recallImageToText')).toBeLessThan(0.06)
  })
  test('the effective rank of an isotropic cloud is its dimension', async () => {
    expect(
      await measure('effectiveRankImages', {
        images: normals(600, 8, 'rank'),
        texts: normals(600, 8, 'rank'),
      }),
    ).toBeCloseTo(8, 0)
  })
  test('modalities from one distribution cannot be told apart', async () => {
    const images = normals(400, 8, 'one')
    expect(await measure('separability', { images, texts: normals(400, 8, 'two') })).toBeLessThan(0.55)
  })
})

const good = normals(4, 3, 'good')
test.each<[string, Pairs]>([
  ['analysis/count', { images: good, texts: normals(5, 3, 'more') }],
  ['analysis/too-few', { images: normals(3, 3, 'few'), texts: normals(3, 3, 'few') }],
  ['analysis/zero-vector', { images: good, texts: f32([4, 3], [1, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]) }],
  ['statistics/not-finite', { images: good, texts: f32([4, 3], new Array<number>(12).fill(Number.NaN)) }],
  ['analysis/dims', { images: good, texts: normals(4, 5, 'wide') }],
])(
  '%s',
  async (code, pairs) =>
    await expect(measure('alignment', pairs)).rejects.toThrow(expect.objectContaining({ code })),
)
