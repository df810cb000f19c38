import { describe, expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { mean } from '../../foundation/numeric/statistics.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { type Alignment, analyseAlignment, compareAlignment, drawnPairs } from './alignment.ts'
import { pairSetOf } from './geometry.ts'
import { type MeasureName, measureNames, measures } from './measures.ts'
import { type Pairs, unitPairs } from './pairs.ts'

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
const analysed = await analyseAlignment(pairs, options)
const at = (found: Alignment, name: MeasureName) => found.get(name)!

describe('intervals', () => {
  test.each(measureNames)('of %s contain their value and have a width', (name) => {
    const { value, low, high } = at(analysed, name)
    expect(low).toBeLessThan(value)
    expect(high).toBeGreaterThan(value)
  })

  test('of alignment, a mean over pairs, are as wide as the standard error says', async () => {
    const distances = pairSetOf(unitPairs(pairs)).matched.map((cosine) => 2 - 2 * cosine)
    const centre = mean(distances)
    const error = Math.sqrt(mean(distances.map((distance) => (distance - centre) ** 2)) / distances.length)
    const { low, high } = at(await analyseAlignment(pairs, { seed: 2, resamples: 1500 }), 'alignment')
    expect((high - low) / (2 * 1.96 * error)).toBeCloseTo(1, 1)
  })

  test('of CKA shrink to the truth in a larger sample: resampled copies add no likeness', async () => {
    const large = at(
      await analyseAlignment(noisyPairs(600, 1), { seed: 1, resamples: 20 }),
      'linearCka',
    ).value
    expect(at(analysed, 'linearCka').low).toBeLessThan(large)
    expect(at(analysed, 'linearCka').high).toBeGreaterThan(large)
  })

  test('widen when pairs come in clusters', async () => {
    const four = (vectors: Tensor<'f32'>) =>
      f32(
        [160, 12],
        Float32Array.from({ length: 160 * 12 }, (_, at) => vectors.data[at % (40 * 12)]!),
      )
    const copies = { images: four(pairs.images), texts: four(pairs.texts) }
    const width = ({ low, high }: { low: number; high: number }) => high - low
    const clustered = await analyseAlignment(copies, {
      ...options,
      clusters: Array.from({ length: 160 }, (_, i) => `concept ${i % 40}`),
    })
    const alone = await analyseAlignment(copies, options)
    expect(width(at(clustered, 'alignment')) / width(at(alone, 'alignment'))).toBeCloseTo(2, 0)
  })

  test('depend on the seed only', async () => {
    expect(await analyseAlignment(pairs, options)).toEqual(analysed)
    expect(await analyseAlignment(pairs, { ...options, seed: 2 })).not.toEqual(analysed)
  })
})

describe('comparison', () => {
  test('of a model with itself is zero throughout', async () => {
    for (const interval of (await compareAlignment(pairs, pairs, options)).values())
      expect(interval).toEqual({ value: 0, low: 0, high: 0 })
  })

  test('finds the better aligned model, the difference being exact', async () => {
    const worse = noisyPairs(120, 2)
    const difference = await compareAlignment(pairs, worse, options)
    expect(at(difference, 'matchedMargin').low).toBeGreaterThan(0)
    expect(at(difference, 'alignment').high).toBeLessThan(0)
    expect(at(difference, 'matchedAuc').value).toBeCloseTo(
      at(analysed, 'matchedAuc').value - at(await analyseAlignment(worse, options), 'matchedAuc').value,
      12,
    )
  })
})

describe('more pairs than the sample', () => {
  const part = { ...options, sample: 60 }

  test('measures over couples look at the drawn pairs alone, all others at every pair', async () => {
    const drawn = drawnPairs(120, part)!
    const found = await analyseAlignment(pairs, part)
    const rows = (vectors: Tensor<'f32'>) =>
      f32(
        [60, 12],
        Array.from(drawn).flatMap((i) => Array.from(vectors.data.subarray(12 * i, 12 * i + 12))),
      )
    const alone = await analyseAlignment({ images: rows(pairs.images), texts: rows(pairs.texts) }, options)
    expect(new Set(drawn).size).toBe(60)
    for (const name of measureNames) {
      const expected = measures[name].over === 'couples' ? alone : analysed
      expect.soft([name, at(found, name).value]).toEqual([name, expect.closeTo(at(expected, name).value, 5)])
    }
  })
})

test('clusters of another length are refused', async () => {
  await expect(analyseAlignment(pairs, { seed: 1, clusters: ['a'] })).rejects.toThrow(
    expect.objectContaining({ code: 'statistics/length' }),
  )
})
