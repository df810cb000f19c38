import { expect, test } from 'vitest'
import type { Results } from '../report/results.ts'
import { runGates, tuningGates } from './gates.ts'

type Difference = Results['differences'][number]

const model = (
  id: string,
  role: Results['models'][number]['role'],
  of?: string,
): Results['models'][number] => ({
  id,
  of,
  label: id,
  role,
  state: 'tuned',
  family: 'llava',
  objective: 'autoregressive',
  attention: 'causal',
  hash: null,
  parameters: null,
})
const models = [
  model('twin-ar-tuned', 'twin', 'twin-ar'),
  model('twin-ar-random-causal', 'random-decoder'),
  model('tower', 'dual-encoder'),
]
const difference = (b: string, kind: 'in-domain' | 'all', low: number): Difference => ({
  a: 'twin-ar-tuned',
  b,
  scope: { kind },
  interval: { value: 0.1, low, high: 0.2 },
})

test.each([
  [0.01, true],
  [0, false],
  [-0.02, false],
])('the lower end %d of the interval decides', (low, passed) => {
  const found = tuningGates({
    models,
    differences: [difference('twin-ar-random-causal', 'in-domain', low)],
  })
  expect(found).toMatchObject([{ model: 'twin-ar', value: low, passed }])
})

test('other comparisons are no gates', () => {
  const differences = [difference('tower', 'in-domain', 0.1), difference('twin-ar-random-causal', 'all', 0.1)]
  expect(tuningGates({ models, differences })).toEqual([])
})

test('models that are not there are named, all of them', async () => {
  await expect(
    runGates({ models: '/nowhere/models', out: '/nowhere/out', quick: true }),
  ).rejects.toMatchObject({
    code: 'study/no-model',
    exitCode: 3,
    message: expect.stringMatching(/models\/tower, .*models\/twin-ar, .*models\/twin-diffusion/),
  })
})
