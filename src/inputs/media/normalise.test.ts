import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { normalise } from './normalise.ts'

test('all 256 levels of each channel equal numpy to the last bit', () => {
  const data = Uint8Array.from({ length: 256 * 3 }, (_, i) => Math.floor(i / 3))
  const pixels = normalise(
    { width: 256, height: 1, data },
    {
      rescaleFactor: 0.00392156862745098,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    },
  )
  expect(pixels.dims).toEqual([3, 1, 256])
  // sha256 of `((levels.astype(f64) * factor).astype(f32) - mean) / std` in numpy, mean and std as
  // f32, channels first, little-endian.
  const digest = createHash('sha256').update(new Uint8Array(pixels.data.buffer)).digest('hex')
  expect(digest.slice(0, 16)).toBe('5d23c0b115c373c7')
})
