import { expect, test } from 'vitest'
import { f32, i64, tensor } from '../../foundation/numeric/tensor.ts'
import { assertDirections, assertFinite } from './finite.ts'

const fine = {
  hidden: f32([2], [0, -1e38]),
  ids: i64([1], [7]),
  half: tensor('f16', [1], Uint16Array.of(0x7bff)),
}

test('finite outputs and whole numbers pass', () => {
  expect(() => assertFinite(fine)).not.toThrow()
})

test.each([
  [
    'f32 NaN',
    { loss: f32([1, 3], [1, Number.NaN, Number.NaN]) },
    'output loss [1, 3] holds NaN at element 1 (2 of 3 are not finite)',
  ],
  [
    'f32 infinity',
    { loss: f32([2], [1, Number.NEGATIVE_INFINITY]) },
    'output loss [2] holds -Infinity at element 1 (1 of 2 are not finite)',
  ],
  [
    'f16 infinity',
    { logits: tensor('f16', [1], Uint16Array.of(0x7c00)) },
    'output logits [1] holds Infinity at element 0 (1 of 1 are not finite)',
  ],
])('%s is named', (_, outputs, message) => {
  expect(() => assertFinite({ ...fine, ...outputs })).toThrow(
    expect.objectContaining({ code: 'runtime/not-finite', message }),
  )
})

test('a row of zeros has no direction', () => {
  expect(() => assertDirections('vectors', f32([2, 2], [0, 1, -1, 0]))).not.toThrow()
  expect(() => assertDirections('vectors', f32([3, 2], [0, 1, 0, 0, 0, 0]))).toThrow(
    expect.objectContaining({
      code: 'runtime/not-finite',
      message: expect.stringContaining('zeros in row 1 (2 of 3 rows)'),
    }),
  )
})
