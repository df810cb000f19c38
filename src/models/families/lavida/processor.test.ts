import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir } from '../../../../test/golden.ts'
import { decodeImage } from '../../../inputs/media/decode.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import type { Processor } from '../family.ts'
import { parseLavidaConfig } from './config.ts'
import { lavidaProcessor, SYSTEM } from './processor.ts'

const picture = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: new Uint8Array(3 * width * height),
})
const dir = goldenDir('lavida-dream')

describe('LaViDa processor', () => {
  const json = (changes: object) => ({
    ...z.looseObject({}).parse(JSON.parse(readFileSync(`${dir}/checkpoint/config.json`, 'utf8'))),
    ...changes,
  })
  const processorWith = (changes: object) =>
    lavidaProcessor(`${dir}/checkpoint`, parseLavidaConfig(json(changes)))
  let processor: Processor
  beforeAll(async () => {
    processor = await processorWith({ image_aspect_ratio: 'pad' })
  })

  test('two pictures share one table, the newline is its last row', () => {
    const item = processor.prepare('a<image> <image>b', [picture(4, 4), picture(5, 3)])
    const rows = (first: number) => [...Array.from({ length: 16 }, (_, i) => first + i), 32]
    expect(item.imageIndex).toEqual([-1, ...rows(0), -1, ...rows(16), -1])
    expect(item.views).toHaveLength(2)
    expect(item.spans).toEqual({
      image: [
        [1, 18],
        [19, 36],
      ],
      text: [
        [0, 1],
        [18, 19],
        [36, 37],
      ],
      tailStart: 0,
    })
  })

  test('the low-resolution layout without newlines: one token for each patch', async () => {
    const flat = { image_aspect_ratio: 'square', mm_patch_merge_type: 'flat', mm_spatial_pool_mode: 'none' }
    const item = (await processorWith(flat)).prepare('<image>', [picture(9, 4)])
    expect(item.imageIndex).toEqual([...Array(49).keys()])
  })

  test('the tail starts after the instruction', () => {
    const { prompt, instructionEnd } = processor.prompt({
      instruction: 'Find it.',
      text: 'two bars',
      images: 1,
    })
    expect(prompt).toContain(SYSTEM)
    expect(prompt.slice(0, instructionEnd)).toMatch(/<image>\nFind it\.$/)
    const item = processor.prepare(prompt, [picture(4, 4)], { instructionEnd })
    expect(processor.tokenizer.decode(item.inputIds.slice(item.spans.tailStart))).toBe(
      prompt.slice(instructionEnd),
    )
  })

  test('appended ids are kept when the prompt is cut', async () => {
    const short = await processorWith({ tokenizer_model_max_length: 6 })
    const item = short.prepare('abcdefghij', [], { appendIds: [390], truncation: 'reference' })
    expect(item.inputIds).toHaveLength(6)
    expect(item.inputIds.at(-1)).toBe(390)
    expect(() => short.prepare('abcdefghij', [])).toThrow(/10 positions, the most is 6/)
  })

  test('refuses an image without a place, a place without an image, and nothing', () => {
    expect(() => processor.prepare('a', [picture(1, 1)])).toThrow(/0 image placeholders/)
    expect(() => processor.prepare('<image>', [])).toThrow(/1 image placeholders/)
    expect(() => processor.prepare('', [])).toThrow(/no tokens/)
  })

  test('of a strip thinner than a cell only the thumbnail remains, as in the reference', async () => {
    const scene = await decodeImage(`${dir}/images/scene.png`)
    const any = await processorWith({})
    expect(any.prepare('<image>', [scene]).views.map(({ dims }) => dims)).toEqual(Array(5).fill([3, 30, 30]))
    expect(any.prepare('<image>', [picture(200, 1)]).imageIndex).toHaveLength(16)
  })
})
