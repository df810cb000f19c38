/** @file Temperatures of a loss, and the settings and shapes that it refuses. */

import { describe, expect, test } from 'vitest'
import { Graph } from '../../../engine/graph/graph.ts'
import { graphScalars } from './loss.ts'
import { makeLoss } from './make.ts'
import { lossSettings } from './settings.ts'

describe('temperature', () => {
  test('falls geometrically over its share, then stays, whatever the trainer logs', () => {
    const loss = makeLoss(lossSettings.parse({ temperature: { start: 0.2, end: 0.02, share: 0.5 } }))
    const at = (update: number) => loss.temperature(loss.stepInputs(update, 40))
    expect([0, 10, 20, 40].map(at)).toBeAllClose([0.2, Math.sqrt(0.2 * 0.02), 0.02, 0.02])
  })

  test('learned starts at its value and may have a floor', () => {
    const loss = makeLoss(lossSettings.parse({ temperature: { learned: 0.07, least: 0.01 } }))
    expect(loss.temperature(loss.parameters)).toBeCloseTo(0.07)
    expect(loss.limits).toEqual({ log_scale: { most: -Math.log(0.01) } })
    expect(makeLoss(lossSettings.parse({ temperature: { learned: 0.07 } })).limits).toEqual({})
  })
})

describe('refused', () => {
  test.each([
    ['targets', { targets: [3, 4] }, {}],
    ['vector length', { targets: [2, 5] }, {}],
    ['groups', { targetGroups: [3] }, {}],
    ['Matryoshka dims', {}, { matryoshka: { dims: [2, 5] } }],
    ['owners', { negatives: [1, 4] }, { negatives: 'own' }],
    ['teacher', { negatives: [1, 4], negativeOwner: [1] }, { margin: { teacher: 0 } }],
  ] as const)('%s that do not fit', (_, dims: Partial<Record<string, readonly number[]>>, given) => {
    const graph = new Graph()
    const floats = (name: string) => {
      const shape = dims[name]
      return shape && graph.input(name, 'f32', shape)
    }
    const numbers = (name: string) => {
      const shape = dims[name]
      return shape && graph.input(name, 'i64', shape)
    }
    const build = () =>
      makeLoss(lossSettings.parse(given)).build({
        ...graphScalars(graph),
        queries: graph.input('queries', 'f32', [2, 4]),
        targets: floats('targets') ?? graph.input('t', 'f32', [2, 4]),
        negatives: floats('negatives'),
        targetGroups: numbers('targetGroups'),
        negativeOwner: numbers('negativeOwner'),
      })
    expect(build).toThrow(expect.objectContaining({ code: 'tuning/loss' }))
  })

  test.each([
    ['unknown keys', { temprature: 1 }],
    ['weights', { matryoshka: { dims: [2, 4], weights: [1] } }],
    ['a temperature of 0', { temperature: 0 }],
    ['half a falling temperature', { temperature: { start: 1 } }],
    ['terms that a loss does not have', { name: 'sigmoid', symmetric: true }],
    ['a bias for InfoNCE', { bias: 1 }],
  ])('%s in settings', (_, given) => expect(lossSettings.safeParse(given).success).toBe(false))
})
