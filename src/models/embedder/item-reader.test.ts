/** @file A picture with several frames is named once. */

import { expect, test } from 'vitest'
import oracle from '../../../test/fixtures/media/decode.json' with { type: 'json' }
import { keyItem } from '../../inputs/data/item.ts'
import { itemReader } from './item-reader.ts'

const item = async (name: 'animated.gif' | 'animated.png' | 'animated.webp' | 'pages.tif' | 'rgb.png') =>
  await keyItem({ image: Buffer.from(oracle.made[name].bytes, 'base64') })

test.each(['animated.gif', 'animated.png', 'animated.webp', 'pages.tif'] as const)(
  '%s: one warning for all such pictures',
  async (name) => {
    const warnings: string[] = []
    const read = itemReader((message) => warnings.push(message))
    await read(await item('rgb.png'))
    expect(warnings).toEqual([])
    await read(await item(name))
    await read(await item(name))
    expect(warnings).toEqual([expect.stringContaining('2 frames or pages')])
  },
)
