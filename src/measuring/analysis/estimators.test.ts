import { describe, expect, test } from 'vitest'
import { gram, l2NormaliseRows, transpose } from '../../foundation/numeric/linear.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { areaUnderRoc } from '../../foundation/numeric/statistics.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { geometryFrom } from './geometry.ts'
import { hsic } from './hsic.ts'
import {
  matchedAuc,
  matchedMargin,
  matchedOverlap,
  ndcgMixed,
  recallImageToText,
  recallMixed,
  recallTextToImage,
} from './matching.ts'
import { poolOf } from './pool.ts'
import { Products } from './products.ts'
import { coupleMean, sampleOf, wholeSample } from './sample.ts'
import { hubnessOfTexts, mutualNeighbours } from './structure.ts'

const normals = (count: number, dim: number, key: string) =>
  l2NormaliseRows(f32([count, dim], fillNormal(new Float32Array(count * dim), 1, stream(key))))
const weights = (...values: number[]) => sampleOf(Float64Array.from(values))
const withCross = (count: number, cross: number[]) =>
  geometryFrom(
    count,
    new Float32Array(count * count),
    new Float32Array(count * count),
    Float32Array.from(cross),
  )
/** Images on the axes, so that texts are the columns of the cosines. */
const poolWith = async (count: number, cross: number[], k?: number) =>
  await poolOf(
    {
      images: f32(
        [count, count],
        cross.map((_, at) => (at % (count + 1) === 0 ? 1 : 0)),
      ),
      texts: transpose(f32([count, count], cross)),
    },
    new Products(),
    k,
  )
const cosinesByHand = [0.5, 0.5, 0.1, 0.2, 0.9, 0.5, 0.3, 0.3, 0.2]
const byHand = withCross(3, cosinesByHand)

test('copies of a pair are not couples', () => {
  // Weight 2 × 1 both ways for (0, 1); neither the diagonal nor the pair that was not drawn counts.
  const symmetric = Float32Array.from([9, 0.5, 7, 0.5, 9, 7, 7, 7, 9])
  expect(coupleMean(symmetric, weights(2, 1, 0))).toBeCloseTo(0.5, 6)
  expect(coupleMean(symmetric, weights(3, 0, 0))).toBeNaN()
})

test('mismatched cosines leave out the diagonal, weighted by hand', () => {
  // Matched (2 × .5 + .9) / 3, mismatched (.5 + .2) / 2.
  expect(matchedMargin(byHand)(weights(2, 1, 0))).toBeCloseTo(1.9 / 3 - 0.35, 6)
})

describe('AUC of matched cosines', () => {
  // .5 beats .1, .2, .3, .3 and ties with .5, .5; .9 beats all six; .2 beats .1 and ties with .2.
  test('with ties, by hand', () =>
    expect(matchedAuc(byHand)(wholeSample(3))).toBeCloseTo((5 + 6 + 1.5) / 18, 12))

  test('weighted, equals the general routine', () => {
    const [images, texts] = [normals(9, 4, 'i'), normals(9, 4, 't')]
    const products = [gram(images, images), gram(texts, texts), gram(images, texts)] as const
    const geometry = geometryFrom(9, products[0].data, products[1].data, products[2].data)
    const drawn = [2, 0, 1, 3, 0, 1, 1, 1, 0]
    const couples = drawn.flatMap((a, i) =>
      drawn.map((b, j) => ({ score: geometry.cross[i * 9 + j]!, weight: a * b, matched: i === j })),
    )
    const side = (matched: boolean) => couples.filter((couple) => couple.matched === matched)
    const expected = areaUnderRoc(
      { scores: side(true).map(({ score }) => score), weights: drawn },
      { scores: side(false).map(({ score }) => score), weights: side(false).map(({ weight }) => weight) },
    )
    expect(matchedAuc(geometry)(weights(...drawn))).toBeCloseTo(expected, 12)
  })
})

test('overlap is the share that the best threshold leaves on the wrong side, by hand', () => {
  // Above .4 lie two of three matched and two of six mismatched cosines.
  expect(matchedOverlap(byHand)(wholeSample(3))).toBeCloseTo(1 - (2 / 3 - 2 / 6), 12)
})

describe('recall', async () => {
  const pool = await poolWith(3, cosinesByHand)
  // Image 0 ties with text 1 for first place; image 1 is right; image 2 comes last.
  test('image to text, by hand', () =>
    expect(recallImageToText(1)(pool)(wholeSample(3))).toBeCloseTo((0.5 + 1) / 3, 12))
  // Text 0: .5 of (.5, .2, .3); text 1: .9 of (.5, .9, .3); text 2: .2 of (.1, .5, .2).
  test('text to image, by hand', () =>
    expect(recallTextToImage(1)(pool)(wholeSample(3))).toBeCloseTo(2 / 3, 12))
  test('within two', () => expect(recallTextToImage(2)(pool)(wholeSample(3))).toBe(1))
  test('queries are resampled, the gallery stays', () =>
    expect(recallImageToText(1)(pool)(weights(2, 1, 0))).toBeCloseTo((2 * 0.5 + 1) / 3, 12))
  // Images are orthogonal: theirs is as before. Texts have products .61, .23 and .56 with each
  // other: text 0 finds text 1 and is second, text 1 is first, text 2 finds text 1, image 1 and
  // text 0 before its image.
  test('in a mixed pool, by hand', () => {
    expect(recallMixed(1)(pool)(wholeSample(3))).toBeCloseTo((1.5 / 3 + 1 / 3) / 2, 12)
    const images = 0.5 * (1 + 1 / Math.log2(3)) + 1 + 1 / Math.log2(4)
    const texts = 1 / Math.log2(3) + 1 + 1 / Math.log2(5)
    expect(ndcgMixed(10)(pool)(wholeSample(3))).toBeCloseTo((images + texts) / 6, 12)
  })
})

describe('unbiased HSIC', () => {
  const count = 7
  const [a, b] = [normals(count, 3, 'a'), normals(count, 5, 'b')]
  const [first, second] = [gram(a, a).data, gram(b, b).data]

  /** Weighted means over distinct items, by going through all of them. */
  const bruteForce = (drawn: number[]) => {
    const sums = [0, 0, 0]
    const totals = [0, 0, 0]
    const add = (term: number, weight: number, value: number) => {
      sums[term] = sums[term]! + weight * value
      totals[term] = totals[term]! + weight
    }
    const all = drawn.map((_, i) => i)
    for (const i of all)
      for (const j of all) {
        if (i === j) continue
        const k = first[i * count + j]!
        add(0, drawn[i]! * drawn[j]!, k * second[i * count + j]!)
        for (const q of all) {
          if (q === i || q === j) continue
          const triple = drawn[i]! * drawn[j]! * drawn[q]!
          add(1, triple, k * second[i * count + q]!)
          for (const r of all)
            if (r !== i && r !== j && r !== q) add(2, triple * drawn[r]!, k * second[q * count + r]!)
        }
      }
    return sums[0]! / totals[0]! - (2 * sums[1]!) / totals[1]! + sums[2]! / totals[2]!
  }

  test.each([[[1, 1, 1, 1, 1, 1, 1]], [[2, 0, 1, 3, 1, 0, 1]], [[1, 1, 1, 1, 0, 0, 0]]])(
    'equals the mean over distinct items, weights %j',
    (drawn) => {
      expect(hsic(first, second, count, weights(...drawn))).toBeCloseTo(bruteForce(drawn), 8)
    },
  )

  test("equals Song's formula", () => {
    const open = (kernel: Float32Array) => kernel.map((value, at) => (at % (count + 1) === 0 ? 0 : value))
    const [k, l] = [open(first), open(second)]
    const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0)
    const rowSum = (kernel: Float32Array, i: number) => sum(kernel.subarray(i * count, (i + 1) * count))
    const trace = sum(k.map((value, at) => value * l[at]!))
    const chain = sum(Array.from({ length: count }, (_, i) => rowSum(k, i) * rowSum(l, i)))
    const expected =
      (trace + (sum(k) * sum(l)) / ((count - 1) * (count - 2)) - (2 * chain) / (count - 2)) /
      (count * (count - 3))
    expect(hsic(first, second, count, wholeSample(count))).toBeCloseTo(expected, 7)
  })
})

test('one hub that answers every image has the skewness of one in n', async () => {
  const cross = Array.from({ length: 25 }, (_, at) => (at % 5 === 0 ? 1 : 0))
  const pool = await poolWith(5, cross, 1)
  expect(hubnessOfTexts(pool)(wholeSample(5))).toBeCloseTo((1 - 2 / 5) / Math.sqrt((1 / 5) * (4 / 5)), 10)
})

describe('neighbours that are equally near count in expectation', () => {
  const equal = f32([12, 2], new Float32Array(24).fill(Math.SQRT1_2))

  test('of vectors that are all equal, mutual neighbours are chance and there is no hub', async () => {
    const pool = await poolOf({ images: equal, texts: equal }, new Products(), 3)
    expect(mutualNeighbours(pool)(wholeSample(12))).toBeCloseTo(3 / 11, 12)
    expect([...pool.texts.occurrences]).toEqual(new Array(12).fill(3))
  })

  test('with as many neighbours as there are others, mutual neighbours are not defined', async () => {
    const pool = await poolOf({ images: normals(11, 4, 'a'), texts: normals(11, 4, 'b') }, new Products())
    expect(mutualNeighbours(pool)(wholeSample(11))).toBeNaN()
  })

  test('texts of one class are found alike', async () => {
    // Two classes of six equal texts; the three nearest of an image are any of its class.
    const texts = f32(
      [12, 2],
      Float32Array.from({ length: 24 }, (_, at) => ((at >> 1) % 2 === at % 2 ? 1 : 0)),
    )
    const pool = await poolOf({ images: texts, texts }, new Products(), 3)
    for (const occurrences of pool.texts.occurrences) expect(occurrences).toBeCloseTo(3, 12)
    expect(hubnessOfTexts(pool)(wholeSample(12))).toBeCloseTo(0, 6)
    // Five others of the class: three of them at random, twice.
    expect(mutualNeighbours(pool)(wholeSample(12))).toBeCloseTo(3 / 5, 12)
  })
})
