import { expect, test } from 'vitest'
import { attentionOf } from './attention.ts'

const causal = { nativeAttention: 'causal' } as const
const blocks = { nativeAttention: { block: 8 } } as const

test.each([
  ['native', undefined, causal, 'native'],
  ['native', undefined, blocks, 'native'],
  ['native', 4, blocks, { block: 4 }],
  ['causal', undefined, blocks, 'causal'],
  ['block', undefined, blocks, { block: 8 }],
  ['block', 3, blocks, { block: 3 }],
  ['block', 3, causal, { block: 3 }],
] as const)('%s with blocks of %s', (attention, blockSize, shape, expected) => {
  expect(attentionOf({ attention, blockSize }, shape)).toEqual(expected)
})

test.each([
  ['block', undefined, causal, /the config of this model has none/],
  ['native', 4, causal, /native attention has no blocks/],
  ['bidirectional', 4, blocks, /bidirectional attention has no blocks/],
] as const)('%s with blocks of %s is refused', (attention, blockSize, shape, reason) => {
  expect(() => attentionOf({ attention, blockSize }, shape)).toThrow(reason)
})
