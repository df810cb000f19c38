import sharp from 'sharp'
import { expect, test } from 'vitest'
import { keyed, keyItem, type Picture, readItem } from './item.ts'

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
    return await readItem(await keyItem({ image })).then(
      () => 'fine',
      (error: unknown) => error,
    )
  }
  expect(await codeOf([late, atOnce])).toMatchObject({ code: 'media/damaged' })
  expect(await codeOf([atOnce, late])).toMatchObject({ code: 'media/format' })
  const missing = keyItem({ image: ['first.png', 'second.png'] })
  await expect(missing).rejects.toMatchObject({ message: expect.stringContaining('first.png') })
})

test('a key is known without reading a file, and equal for the same item read from one', async () => {
  const pixels = { width: 2, height: 1, data: new Uint8Array([1, 2, 3, 4, 5, 6]) }
  const { image, ...rest } = await keyItem({ instruction: 'Find', text: 'a cat', image: pixels })
  expect(keyed({ instruction: 'Find', text: 'a cat', image }).key).toBe(rest.key)
  expect((await keyItem({ text: 'a cat', image: pixels }, 'Find')).key).toBe(rest.key)
})

test('pictures keep their own keys, and are made when the item is read', async () => {
  const made: string[] = []
  const picture = (key: string): Picture => ({
    key,
    read() {
      made.push(key)
      return { width: 1, height: 1, data: new Uint8Array(3) }
    },
  })
  const both = keyed({ image: [picture('a'), picture('b c')] })
  expect((await keyItem(both)).key).toBe(both.key)
  // One name for two pictures would give one vector to both.
  expect(keyed({ image: [picture('a b'), picture('c')] }).key).not.toBe(both.key)
  expect(keyed({ image: [picture('b c'), picture('a')] }).key).not.toBe(both.key)
  expect(keyed({ image: picture('a') }).key).not.toBe(keyed({ text: 'a' }).key)
  expect(made).toEqual([])
  expect((await readItem(both)).pictures).toHaveLength(2)
  expect(made).toEqual(['a', 'b c'])
})
