/**
 * @file Optimizers against traces of torch (test/oracles/optimizers.py), schedules and clipping
 * against closed forms.
 */

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, sizeOf, zeros } from '../../foundation/numeric/tensor.ts'
import { adamW } from './adamw.ts'
import { clipFactor, globalNorm } from './clipping.ts'
import { muon } from './muon.ts'
import { openOptimizer, type UpdateRule } from './optimizer.ts'
import { schedule, scheduleOf } from './schedule.ts'
import { scheduleSettings } from './settings.ts'

const traceSchema = z.object({
  dims: z.array(z.number()),
  rates: z.array(z.number()),
  after: z.array(z.array(z.number())),
  /** Updates that bring no gradient. */
  idle: z.array(z.number()),
})
const fixture = new URL('../../../test/fixtures/training/optimizers.json', import.meta.url)
const { cases } = z
  .object({ cases: z.record(z.string(), traceSchema) })
  .parse(JSON.parse(readFileSync(fixture, 'utf8')))

const wave = (dims: number[], frequency: number, phase: number, scale = 1) =>
  f32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => scale * Math.sin(i * frequency + phase)),
  )

const inline = { thread: 'caller', threads: 1 } as const
const rules: { [name: string]: UpdateRule } = {
  adamw: adamW({ weightDecay: 0.1 }),
  'adamw-betas': adamW({ betas: [0.8, 0.95], epsilon: 1e-3 }),
  'adamw-idle': adamW({ weightDecay: 0.1 }),
  'muon-wide': muon({ weightDecay: 0.1, session: inline }),
  'muon-tall': muon({ session: inline }),
  'muon-idle': muon({ session: inline }),
  'muon-rms': muon({ weightDecay: 0.05, scale: 'match-rms-adamw', session: inline }),
}

test.each(Object.entries(cases))(
  '%s follows torch, update by update',
  async (name, { dims, rates, after, idle }) => {
    const parameters = { w: wave(dims, 0.37, 0) }
    const optimizer = await openOptimizer(parameters, [{ rule: rules[name]!, learningRate: 1 }])
    for (const [step, rate] of rates.entries()) {
      // Gradients ten times as large, scaled back as clipping does.
      const gradients = { w: wave(dims, 0.11, step, 3) }
      const rests = idle.includes(step)
      await optimizer.update(rests ? {} : gradients, {
        factor: rate,
        gradientScale: 0.1,
        idle: rests ? ['w'] : [],
      })
      expect(parameters.w.data).toBeAllClose(after[step]!, { atol: 1e-6 })
    }
    await optimizer.close()
  },
)

test('every case of the trace has a rule', () => expect(Object.keys(rules)).toEqual(Object.keys(cases)))

test('muon stacks matrices of one shape and treats each by itself', async () => {
  const alone = { b: wave([4, 6], 0.2, 1) }
  const together = { a: wave([4, 6], 0.3, 0), b: wave([4, 6], 0.2, 1), c: wave([6, 4], 0.5, 0) }
  const gradients = { a: wave([4, 6], 0.7, 0), b: wave([4, 6], 0.9, 1), c: wave([6, 4], 0.8, 2) }
  for (const parameters of [alone, together]) {
    const optimizer = await openOptimizer(parameters, [
      { rule: muon({ session: inline }), learningRate: 0.02 },
    ])
    await optimizer.update(gradients, { factor: 1, gradientScale: 1 })
    await optimizer.close()
  }
  expect(together.b.data).toBeAllClose(alone.b.data, { atol: 1e-7 })
})

test('muon steps have singular values near the learning rate', async () => {
  const parameters = { w: zeros([8, 16]) }
  const optimizer = await openOptimizer(parameters, [{ rule: muon({ session: inline }), learningRate: 1 }])
  await optimizer.update(
    { w: f32([8, 16], fillNormal(new Float32Array(128), 1, stream(1))) },
    { factor: 1, gradientScale: 1 },
  )
  await optimizer.close()
  // ‖W‖² is the sum of 8 squared singular values, each within 0.68 … 1.13 (Jordan et al. 2024).
  const mean = Math.sqrt(globalNorm(parameters) ** 2 / 8)
  expect(mean).toBeGreaterThan(0.7)
  expect(mean).toBeLessThan(1.2)
})

describe('groups', () => {
  test('the first that accepts a parameter has it, at its own rate', async () => {
    const parameters = { matrix: f32([1, 2], [0, 0]), bias: f32([2], [0, 0]) }
    const plain = adamW()
    const optimizer = await openOptimizer(parameters, [
      { accepts: (_, dims) => dims.length === 2, rule: plain, learningRate: 0.5 },
      { rule: plain, learningRate: 0.25 },
    ])
    await optimizer.update(
      { matrix: f32([1, 2], [1, -3]), bias: f32([2], [2, 2]) },
      { factor: 0.5, gradientScale: 1 },
    )
    // The first update of Adam is the sign of the gradient times the rate.
    expect(parameters.matrix.data).toBeAllClose([-0.25, 0.25])
    expect(parameters.bias.data).toBeAllClose([-0.125, -0.125])
    expect(Object.keys(optimizer.state)).toEqual([
      'matrix/updates',
      'matrix/first_moment',
      'matrix/second_moment',
      'bias/updates',
      'bias/first_moment',
      'bias/second_moment',
    ])
  })

  test('all are listed, also one that took nothing', async () => {
    const optimizer = await openOptimizer({ w: zeros([2]) }, [
      { name: 'matrices', accepts: (_, dims) => dims.length === 2, rule: adamW(), learningRate: 1 },
      { rule: adamW(), learningRate: 2 },
    ])
    expect(optimizer.groups).toEqual([
      { name: 'matrices', parameters: [], learningRate: 1 },
      { name: '2', parameters: ['w'], learningRate: 2 },
    ])
  })

  test.each([
    [
      'training/no-group',
      () => openOptimizer({ w: zeros([2]) }, [{ accepts: () => false, rule: adamW(), learningRate: 1 }]),
    ],
    [
      'training/no-gradient',
      async () => {
        const optimizer = await openOptimizer({ w: zeros([2]) }, [{ rule: adamW(), learningRate: 1 }])
        await optimizer.update({}, { factor: 1, gradientScale: 1 })
      },
    ],
    ['training/no-matrix', () => openOptimizer({ w: zeros([2]) }, [{ rule: muon(), learningRate: 1 }])],
    [
      'training/optimizer-state',
      async () => (await openOptimizer({ w: zeros([2]) }, [{ rule: adamW(), learningRate: 1 }])).restore({}),
    ],
  ])('%s', async (code, open) => expect(open()).rejects.toMatchObject({ code }))
})

test('a parameter that an update does not use needs no gradient, and keeps value and moments', async () => {
  const parameters = { used: f32([1], [1]), idle: f32([1], [1]) }
  const optimizer = await openOptimizer(parameters, [
    { rule: adamW({ weightDecay: 0.5 }), learningRate: 0.1 },
  ])
  const at = { factor: 1, gradientScale: 1, idle: ['idle'] }
  await optimizer.update({ used: f32([1], [3]) }, at)
  expect(parameters.used.data[0]).toBeCloseTo(0.85)
  expect(parameters.idle.data[0]).toBe(1)
  expect(optimizer.state['idle/updates']!.data[0]).toBe(0)
  await expect(optimizer.update({}, at)).rejects.toMatchObject({
    code: 'training/no-gradient',
    message: expect.stringMatching(/for used$/),
  })
})

test('a limited parameter is brought back after each update', async () => {
  const parameters = { log_scale: f32([], [4]), free: f32([], [4]) }
  const optimizer = await openOptimizer(parameters, [{ rule: adamW(), learningRate: 1 }], {
    limits: { log_scale: { most: 4.5 } },
  })
  const gradients = { log_scale: f32([], [-1]), free: f32([], [-1]) }
  await optimizer.update(gradients, { factor: 1, gradientScale: 1 })
  expect(parameters.log_scale.data[0]).toBe(4.5)
  expect(parameters.free.data[0]).toBeCloseTo(5)
})

describe('schedule', () => {
  test.each([
    ['warm-up starts at 0, then linear', schedule({ steps: 10, warmup: 2 }), [0, 0.5, 1, 0.875], 0],
    [
      'cosine to a floor',
      schedule({ steps: 4, decay: 'cosine', floor: 0.2 }),
      [1, 0.2 + 0.8 * 0.85355339, 0.6],
      0.2,
    ],
    ['constant', schedule({ steps: 4, warmup: 1, decay: 'constant' }), [0, 1, 1, 1], 1],
  ])('%s', (_, factor, first, last) => {
    expect(first.map((_, step) => factor(step))).toBeAllClose(first, { atol: 1e-8 })
    expect(factor(1000)).toBeCloseTo(last, 10)
  })

  test('of settings: warm-up in updates, or as a share that is rounded up', () => {
    const cosine = { kind: 'cosine', floor: 0.1 } as const
    const share = scheduleOf({ ...cosine, warmup: 0.15 }, 10)
    expect([0, 1, 2, 6, 10].map(share)).toBeAllClose([0, 0.5, 1, 0.55, 0.1], { atol: 1e-12 })
    expect(scheduleOf({ ...cosine, warmup: 1 }, 10)(1)).toBe(1)
    expect(scheduleSettings.safeParse({ warmup: 1.5 }).success).toBe(false)
  })

  test('a warm-up longer than the training is refused', () => {
    expect(() => schedule({ steps: 3, warmup: 4 })).toThrow(
      expect.objectContaining({ code: 'training/schedule' }),
    )
  })
})

test('clipping by the global norm', () => {
  const norm = globalNorm({ a: f32([2], [3, 0]), b: f32([1], [4]) })
  expect(norm).toBe(5)
  expect(clipFactor(norm, 1)).toBeCloseTo(0.2, 6)
  expect(clipFactor(norm, 10)).toBe(1)
  expect(globalNorm({ a: f32([2], [1, Number.NaN]) })).toBeNaN()
})
