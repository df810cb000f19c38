import sharp from 'sharp'
import { expect, test } from 'vitest'
import { keyItem } from './input.ts'

test('of several bad pictures the first in the item is named, whichever failed first in time', async () => {
  const noise = {
    create: {
      width: 700,
      height: 700,
      channels: 3,
      background: 'red',
      noise: { type: 'gaussian', mean: 128, sigma: 40 },
    },
  } as const
  const whole = await sharp(noise).png({ compressionLevel: 1 }).toBuffer()
  // Much is decoded before the end is missed; no picture at all is told at once.
  const [late, atOnce] = [whole.subarray(0, whole.length - 1000), new Uint8Array([1, 2, 3])]
  const codeOf = async (image: Uint8Array[]) => {
    const { read } = await keyItem({ image })
    return await read().then(
      () => 'fine',
      (error: unknown) => error,
    )
  }
  expect(await codeOf([late, atOnce])).toMatchObject({ code: 'media/damaged' })
  expect(await codeOf([atOnce, late])).toMatchObject({ code: 'media/format' })
  const missing = keyItem({ image: ['first.png', 'second.png'] })
  await expect(missing).rejects.toMatchObject({ message: expect.stringContaining('first.png') })
})
