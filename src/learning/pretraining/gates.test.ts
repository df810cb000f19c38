import { expect, test } from 'vitest'
import { conditionsAmong, gate, gateRows, gateTable } from './gates.ts'

const figure = { model: 'twin-ar', name: 'count', bound: 0.5 }

test.each([
  ['at least', 0.5, true],
  ['at least', 0.49, false],
  ['at most', 0.5, true],
  ['at most', 0.51, false],
  ['above', 0.5, false],
  ['above', 0.51, true],
  ['at least', Number.NaN, false],
  ['at most', Number.NaN, false],
] as const)('%s .5: %d → %s', (bounded, value, passed) => {
  expect(gate({ ...figure, bounded, value }).passed).toBe(passed)
})

test('a missed gate is shouted', () => {
  const rows = gateRows([
    gate({ ...figure, bounded: 'at least', value: 0.4, beside: 'commonest answer 0.30' }),
  ])
  expect(rows).toEqual([['MISSED', 'twin-ar', 'count', '0.400', '≥ 0.500', 'commonest answer 0.30']])
})

test('a comparison needs the measured gates of tower, twin-ar and twin-diffusion, and no others', () => {
  const missed = { ...figure, bounded: 'at least', value: 0.4 } as const
  const own = ['tower', 'twin-ar', 'twin-diffusion'].map((model) => gate({ ...missed, model }))
  const stated = [
    gate({ ...missed, model: 'twin-discrete' }),
    gate({ ...missed, model: 'image-tokenizer' }),
    { ...gate(missed), recorded: true as const },
  ]
  expect(conditionsAmong([...stated, ...own])).toEqual(own)
})

test('columns of the table line up', () => {
  const lines = gateTable([
    gate({ ...figure, bounded: 'at least', value: 0.4 }),
    gate({ model: 'twin-diffusion', name: 'background', bound: 0.95, bounded: 'at least', value: 1 }),
  ]).split('\n')
  expect(lines[0]!.indexOf('0.400')).toBe(lines[1]!.indexOf('1.000'))
})
