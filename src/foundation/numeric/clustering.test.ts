/** @file Clusters; V-measure against scikit-learn's figures (test/oracles/ranking.py). */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { clusterAgreement, kMeans } from './clustering.ts'
import { fillNormal, stream } from './random.ts'
import { f32 } from './tensor.ts'

const { labelings } = z
  .object({
    labelings: z.array(
      z.object({
        labels: z.array(z.number()),
        clusters: z.array(z.number()),
        expected: z.object({ homogeneity: z.number(), completeness: z.number(), vMeasure: z.number() }),
      }),
    ),
  })
  .parse(
    JSON.parse(readFileSync(new URL('../../../test/fixtures/numeric/ranking.json', import.meta.url), 'utf8')),
  )

test('V-measure, homogeneity and completeness equal scikit-learn’s', () => {
  expect(labelings.length).toBe(20)
  for (const { labels, clusters, expected } of labelings) {
    const got = clusterAgreement(labels, clusters)
    expect(got.homogeneity).toBeCloseTo(expected.homogeneity, 10)
    expect(got.completeness).toBeCloseTo(expected.completeness, 10)
    expect(got.vMeasure).toBeCloseTo(expected.vMeasure, 10)
  }
})

test('the names of clusters do not matter; one cluster for all says nothing', () => {
  expect(clusterAgreement(['cat', 'cat', 'dog'], [7, 7, 1]).vMeasure).toBeCloseTo(1, 12)
  expect(clusterAgreement(['cat', 'cat', 'dog'], [0, 0, 0]).vMeasure).toBe(0)
})

describe('k-means', () => {
  /** Rows around far centres, row i around centre i mod k. */
  const around = (k: number, rows: number, dim: number) => {
    const data = fillNormal(new Float32Array(rows * dim), 0.1, stream(3, 'cloud'))
    for (let row = 0; row < rows; row++) data[row * dim + (row % k)] = data[row * dim + (row % k)]! + 10
    return f32([rows, dim], data)
  }

  test('finds clusters that lie apart', () => {
    const { clusters } = kMeans(around(6, 120, 8), 6, { seed: 1 })
    const labels = Array.from(clusters, (_, row) => row % 6)
    expect(clusterAgreement(labels, clusters).vMeasure).toBeCloseTo(1, 12)
  })

  test('the same seed gives the same clusters, another one may not', () => {
    const noise = f32([80, 4], fillNormal(new Float32Array(320), 1, stream(5, 'noise')))
    const made = kMeans(noise, 9, { seed: 1, starts: 1 })
    expect(kMeans(noise, 9, { seed: 1, starts: 1 })).toEqual(made)
    expect(kMeans(noise, 9, { seed: 2, starts: 1 }).clusters).not.toEqual(made.clusters)
  })

  test('more starts never raise the inertia, and it is the sum of squared distances', () => {
    const noise = f32([60, 3], fillNormal(new Float32Array(180), 1, stream(6, 'noise')))
    const one = kMeans(noise, 7, { seed: 1, starts: 1 })
    const { clusters, inertia } = kMeans(noise, 7, { seed: 1 })
    expect(inertia).toBeLessThanOrEqual(one.inertia)
    let sum = 0
    for (let cluster = 0; cluster < 7; cluster++) {
      const rows = [...clusters.keys()].filter((row) => clusters[row] === cluster)
      for (let d = 0; d < 3; d++) {
        const values = rows.map((row) => noise.data[row * 3 + d]!)
        const centre = values.reduce((a, b) => a + b, 0) / values.length
        sum += values.reduce((all, value) => all + (value - centre) ** 2, 0)
      }
    }
    expect(inertia).toBeCloseTo(sum, 6)
  })

  test('copies of one row leave no cluster without a row', () => {
    const { clusters, inertia } = kMeans(f32([4, 2], new Float32Array(8).fill(1)), 3, { seed: 1 })
    expect(clusters.length).toBe(4)
    expect(inertia).toBe(0)
  })
})

test.each([
  ['statistics/clusters', () => kMeans(f32([2, 1], [1, 2]), 3, { seed: 1 })],
  ['statistics/clusters', () => kMeans(f32([2, 1], [1, 2]), 0, { seed: 1 })],
  ['statistics/not-finite', () => kMeans(f32([2, 1], [1, Number.NaN]), 1, { seed: 1 })],
  ['statistics/length', () => clusterAgreement([1], [1, 2])],
  ['statistics/empty', () => clusterAgreement([], [])],
])('%s', (code, run) => expect(run).toThrow(expect.objectContaining({ code })))
