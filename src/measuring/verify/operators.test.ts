/** @file The operators equal the reference's values and gradients. */

import { describe, expect, test } from 'vitest'
import { type Edit, editText, fixtureCopies, swap } from '../../../test/broken-fixture.ts'
import { goldenDir } from '../../../test/golden.ts'
import { verifyOperators } from './operators.ts'

test('every operator equals the reference, values and gradients', async () => {
  const report = await verifyOperators(goldenDir('tune-ops'))
  expect(report.stages.filter(({ worst }) => worst > 1)).toEqual([])
  expect(report.failure).toBeUndefined()
  expect(report.compared).toBe(report.expected)
})

const broken = fixtureCopies()

describe('a mistake fails at its own operator', () => {
  test.each<[mistake: string, operator: string, edit: Edit]>([
    [
      'keys for values',
      'attention-grouped',
      swap('attention-grouped/in/k', 'attention-grouped/in/v', 'tensors.safetensors'),
    ],
    [
      'another gradient from above',
      'layer-norm',
      swap('layer-norm/in/x', 'layer-norm/upstream', 'tensors.safetensors'),
    ],
    [
      'another base of the angles',
      'rotary-half',
      editText('cases.json', /("name": "rotary-half".*?"theta": )10000/s, '$1500000'),
    ],
  ])('%s: %s', async (_, operator, edit) => {
    const dir = broken('tune-ops')
    await edit(dir)
    expect((await verifyOperators(dir)).failure?.stage).toBe(operator)
  })
})
