import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { analyseAlignment, compareAlignment, layerCurves } from './alignment.ts'
import { geometryOf, matchedCosines, type Pairs } from './geometry.ts'
import { measureNames } from './measures.ts'

const normals = (count: number, dim: number, key: string) =>
  f32([count, dim], fillNormal(new Float32Array(count * dim), 1, stream(key)))
/**
 * Texts that follow their images with the given noise, on top of a shift between the modalities.
 */
const noisyPairs = (count: number, noise: number): Pairs => {
  const images = normals(count, 12, 'images')
  const errors = normals(count, 12, 'errors')
  return {
    images,
    texts: f32(
      images.dims,
      images.data.map((value, at) => value + noise * errors.data[at]! + (at % 12 === 0 ? 1 : 0)),
    ),
  }
}
const pairs = noisyPairs(120, 1)
const options = { seed: 1, resamples: 200 }
const analysed = analyseAlignment(pairs, options)

describe('intervals', () => {
  test.each(measureNames)('of %s contain their value and have a width', (name) => {
    const { value, low, high } = analysed[name]
    expect(low).toBeLessThan(value)
    expect(high).toBeGreaterThan(value)
  })

  test('of alignment, a mean over pairs, are as wide as the standard error says', () => {
    const distances = matchedCosines(geometryOf(pairs)).map((cosine) => 2 - 2 * cosine)
    const centre = mean(distances)
    const error = Math.sqrt(mean(distances.map((distance) => (distance - centre) ** 2)) / distances.length)
    const { low, high } = analyseAlignment(pairs, { seed: 2, resamples: 1500 }).alignment
    expect((high - low) / (2 * 1.96 * error)).toBeCloseTo(1, 1)
  })

  test('of CKA shrink to the truth in a larger sample: resampled copies add no likeness', () => {
    const large = analyseAlignment(noisyPairs(600, 1), { seed: 1, resamples: 20 }).linearCka.value
    expect(analysed.linearCka.low).toBeLessThan(large)
    expect(analysed.linearCka.high).toBeGreaterThan(large)
  })

  test('widen when pairs come in clusters', () => {
    const four = (vectors: Tensor<'f32'>) =>
      f32(
        [160, 12],
        Float32Array.from({ length: 160 * 12 }, (_, at) => vectors.data[at % (40 * 12)]!),
      )
    const copies = { images: four(pairs.images), texts: four(pairs.texts) }
    const width = ({ low, high }: { low: number; high: number }) => high - low
    const clustered = analyseAlignment(copies, {
      ...options,
      clusters: Array.from({ length: 160 }, (_, i) => `concept ${i % 40}`),
    })
    expect(width(clustered.alignment) / width(analyseAlignment(copies, options).alignment)).toBeCloseTo(2, 0)
  })

  test('depend on the seed only', () => {
    expect(analyseAlignment(pairs, options)).toEqual(analysed)
    expect(analyseAlignment(pairs, { ...options, seed: 2 })).not.toEqual(analysed)
  })
})

describe('comparison', () => {
  test('of a model with itself is zero throughout', () => {
    for (const interval of Object.values(compareAlignment(pairs, pairs, options)))
      expect(interval).toEqual({ value: 0, low: 0, high: 0 })
  })

  test('finds the better aligned model, the difference being exact', () => {
    const worse = noisyPairs(120, 2)
    const difference = compareAlignment(pairs, worse, options)
    expect(difference.matchedMargin.low).toBeGreaterThan(0)
    expect(difference.alignment.high).toBeLessThan(0)
    expect(difference.matchedAuc.value).toBeCloseTo(
      analysed.matchedAuc.value - analyseAlignment(worse, options).matchedAuc.value,
      12,
    )
  })
})

test('layer curves keep order and names of the layers', () => {
  const curves = layerCurves(
    [
      { layer: 0, pairs: noisyPairs(30, 4) },
      { layer: 3, pairs: noisyPairs(30, 0.1) },
    ],
    { seed: 1, resamples: 20 },
  )
  expect(curves.map(({ layer }) => layer)).toEqual([0, 3])
  expect(curves[1]!.measures.matchedMargin.value).toBeGreaterThan(curves[0]!.measures.matchedMargin.value)
})

test('clusters of another length are refused', () => {
  expect(() => analyseAlignment(pairs, { seed: 1, clusters: ['a'] })).toThrow(
    expect.objectContaining({ code: 'statistics/length' }),
  )
})
