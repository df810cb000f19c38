/** @file Which parameters the groups of the settings take, and how they move. */

import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { emptyGroups, groupsOf } from './groups.ts'
import { openOptimizer } from './optimizer.ts'
import { optimizerSettings } from './settings.ts'

const parameters = () => ({
  'model.q_proj.lora_A.weight': f32([1, 2], [1, 1]),
  'model.q_proj.lora_magnitude_vector.weight': f32([2], [1, 1]),
  'projector.weight': f32([2, 1], [1, 1]),
  'projector.bias': f32([1], [1]),
  log_scale: f32([], [1]),
})

async function groups(
  given: z.input<typeof optimizerSettings>,
  namesOf?: (name: string) => readonly string[],
) {
  const values = parameters()
  const settings = optimizerSettings.parse(given)
  const optimizer = await openOptimizer(
    values,
    groupsOf(settings, { session: { thread: 'caller', threads: 1 }, namesOf }),
  )
  const gradients = Object.fromEntries(
    Object.entries(values).map(([name, { dims, data }]) => [name, f32(dims, new Float32Array(data.length))]),
  )
  /** Values after an update by zero gradients: what the decay left. */
  const decayed = async () => {
    await optimizer.update(gradients, { factor: 1, gradientScale: 1 })
    await optimizer.close()
    return Object.values(values).map(({ data }) => data[0])
  }
  return { groups: optimizer.groups, empty: emptyGroups(settings, optimizer), decayed }
}

describe('groups by regular expression', () => {
  test('the first whose expression is found in the name takes it; the rest comes last', async () => {
    const { groups: found } = await groups({
      learningRate: 0.5,
      groups: [
        { name: 'projector', match: '^projector\\.' },
        { match: 'weight$', learningRate: 0.25 },
        { name: 'never', match: 'bias' },
      ],
    })
    expect(found).toEqual([
      { name: 'projector', parameters: ['projector.weight', 'projector.bias'], learningRate: 0.5 },
      {
        name: 'weight$',
        parameters: ['model.q_proj.lora_A.weight', 'model.q_proj.lora_magnitude_vector.weight'],
        learningRate: 0.25,
      },
      { name: 'never', parameters: [], learningRate: 0.5 },
      { name: 'all others', parameters: ['log_scale'], learningRate: 0.5 },
    ])
  })

  test('a parameter may have several names', async () => {
    const { groups: found } = await groups({ groups: [{ match: '^base\\.log' }] }, (name) => [
      name,
      `base.${name}`,
    ])
    expect(found[0]?.parameters).toEqual(['log_scale'])
  })

  test('one that takes nothing is named, but not a rest that is empty', async () => {
    const matches = (...list: string[]) => list.map((match) => ({ match }))
    expect((await groups({ groups: matches('bias', 'biass', 'weight', 'log') })).empty).toEqual(['biass'])
    expect((await groups({ name: 'muon', groups: matches('log_scale', 'lora_A') })).empty).toEqual([])
  })

  test('the decay of the optimizer is for matrices, that of a group for all it takes', async () => {
    const { decayed } = await groups({
      learningRate: 0.1,
      weightDecay: 1,
      groups: [{ match: 'projector', weightDecay: 5 }],
    })
    expect(await decayed()).toBeAllClose([0.9, 1, 0.5, 0.5, 1])
  })

  test('Muon leaves to AdamW what is no matrix, at a rate of its own', async () => {
    const { groups: found, decayed } = await groups({
      name: 'muon',
      learningRate: 0.1,
      restLearningRate: 0.01,
      weightDecay: 1,
      groups: [{ match: 'projector', rule: 'adamw' }],
    })
    expect(found).toEqual([
      { name: 'projector', parameters: ['projector.weight', 'projector.bias'], learningRate: 0.1 },
      { name: 'all others', parameters: ['model.q_proj.lora_A.weight'], learningRate: 0.1 },
      {
        name: 'all others, by AdamW',
        parameters: ['model.q_proj.lora_magnitude_vector.weight', 'log_scale'],
        learningRate: 0.01,
      },
    ])
    expect(await decayed()).toBeAllClose([0.9, 1, 0.9, 1, 1])
  })

  test('a group that asks for Muon where there is no matrix is refused', async () => {
    await expect(groups({ groups: [{ match: 'bias', rule: 'muon' }] })).rejects.toMatchObject({
      code: 'training/no-matrix',
    })
  })

  test('an expression that is none is refused in settings', () => {
    expect(optimizerSettings.safeParse({ groups: [{ match: '(' }] }).success).toBe(false)
  })
})
