import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { shipped } from '../../foundation/files/shipped.ts'
import type { RgbImage } from '../../inputs/media/image.ts'
import { llava } from './llava/index.ts'
import { bindVisionLanguage } from './model.ts'
import { loadPictureProcessor } from './picture-files.ts'
import { modelOf } from './registry.ts'

const image: RgbImage = { width: 40, height: 30, data: new Uint8Array(3600).fill(255) }

/** A folder with these JSON files. */
function folder(files: Record<string, unknown>): string {
  const dir = mkdtempSync(join(tmpdir(), 'bifocal-processor-'))
  for (const [name, json] of Object.entries(files)) writeFileSync(join(dir, name), JSON.stringify(json))
  return dir
}

describe('the picture processor of a folder', () => {
  const siglip = { image_processor_type: 'SiglipImageProcessor', size: { height: 8, width: 8 } }
  const clip = { image_processor_type: 'CLIPImageProcessorFast', size: { shortest_edge: 8 }, crop_size: 8 }

  test.each<[string, Record<string, unknown>, value: number]>([
    ['is the named one, whatever the tower', { 'preprocessor_config.json': siglip }, 1],
    ['may be inside processor_config.json', { 'processor_config.json': { image_processor: siglip } }, 1],
    [
      'comes from its own file first',
      { 'preprocessor_config.json': siglip, 'processor_config.json': { image_processor: clip } },
      1,
    ],
    [
      'is the tower’s where none is named',
      { 'preprocessor_config.json': { size: 8, crop_size: 8 } },
      (1 - 0.48145466) / 0.26862954,
    ],
    ['may be a "fast" class', { 'preprocessor_config.json': clip }, (1 - 0.48145466) / 0.26862954],
  ])('%s', async (_, files, value) => {
    const pixels = (await loadPictureProcessor(folder(files), 'clip', 8))(image)
    expect(pixels.dims).toEqual([3, 8, 8])
    expect(pixels.data[0]).toBeCloseTo(value, 5)
  })

  test.each([
    ['family/no-processor', {}],
    ['family/no-processor', { 'processor_config.json': { patch_size: 14 } }],
    ['family/processor', { 'preprocessor_config.json': { image_processor_type: 'Qwen2VLImageProcessor' } }],
    ['file/schema', { 'preprocessor_config.json': [] }],
    // An empty file means the published size, 224.
    ['family/view-size', { 'preprocessor_config.json': {} }],
    ['family/view-size', { 'preprocessor_config.json': { ...siglip, size: 97 } }],
  ])('%s', async (code, files) => {
    await expect(loadPictureProcessor(folder(files), 'clip', 8)).rejects.toMatchObject({ code })
  })
})

test('without a crop, a picture of another shape is refused where its view does not fit', async () => {
  const dir = folder({ 'preprocessor_config.json': { size: { shortest_edge: 8 }, do_center_crop: false } })
  const pixels = await loadPictureProcessor(dir, 'clip', 8)
  expect(pixels({ ...image, width: 30, data: image.data.subarray(900) }).dims).toEqual([3, 8, 8])
  expect(() => pixels(image)).toThrow(
    expect.objectContaining({ code: 'family/view-size', message: expect.stringContaining('10×8') }),
  )
})

test.each([
  ['clip', {}],
  ['siglip', {}],
  ['llava', { image_token_index: 2034 }],
])('%s refuses views that its tower does not take', async (family, keys) => {
  const towers = { vision_config: { image_size: 28, patch_size: 7 }, text_config: {} }
  const dir = folder({ 'preprocessor_config.json': {} })
  copyFileSync(join(shipped('twin-ar'), 'tokenizer.json'), join(dir, 'tokenizer.json'))
  await expect(modelOf({ model_type: family, ...towers, ...keys }).processor(dir)).rejects.toMatchObject({
    code: 'family/view-size',
  })
})

describe('llava', () => {
  const config = {
    model_type: 'llava',
    image_token_index: 480,
    vision_config: { image_size: 28, patch_size: 7, hidden_size: 32, num_attention_heads: 4 },
    text_config: { vocab_size: 512, hidden_size: 64, num_attention_heads: 4, max_position_embeddings: 64 },
  }
  const model = bindVisionLanguage(llava, config)
  const checkpoint = join(goldenDir('llava'), 'checkpoint')

  test('an item becomes a turn of the chat template; the tail starts after the instruction', async () => {
    const processor = await model.processor(checkpoint)
    const { prompt, instructionEnd } = processor.prompt({ instruction: 'Find it.', text: 'a cat', images: 1 })
    expect(prompt).toBe('USER: <image>\nFind it.\na cat ASSISTANT:')
    const item = processor.prepare(prompt, [image], { instructionEnd })
    expect(item.views.map(({ dims }) => dims)).toEqual([[3, 28, 28]])
    expect(item.spans.image).toHaveLength(1)
    expect(item.imageIndex.filter((row) => row >= 0)).toEqual(Array.from({ length: 16 }, (_, i) => i))
    expect(processor.tokenizer.decode(item.inputIds.slice(item.spans.tailStart))).toBe('\na cat ASSISTANT:')
  })

  test('rows of a second picture follow those of the first', async () => {
    const processor = await model.processor(checkpoint)
    const { imageIndex } = processor.prepare('<image> and <image>', [image, image])
    expect(imageIndex.filter((row) => row >= 0)).toEqual(Array.from({ length: 32 }, (_, i) => i))
  })

  test('what is longer than the model takes is refused, or cut as asked', async () => {
    const processor = await model.processor(checkpoint)
    const long = 'a cat '.repeat(40)
    expect(() => processor.prepare(long, [])).toThrow(expect.objectContaining({ code: 'family/too-long' }))
    expect(processor.prepare(long, [], { truncation: 'reference' }).inputIds).toHaveLength(64)
  })

  test('a folder without a chat template has no prompts', async () => {
    const dir = folder({})
    for (const name of ['tokenizer.json', 'preprocessor_config.json'])
      copyFileSync(join(checkpoint, name), join(dir, name))
    const processor = await model.processor(dir)
    expect(() => processor.prompt({ text: 'a cat', images: 0 })).toThrow(
      expect.objectContaining({
        code: 'family/no-template',
        hint: expect.stringContaining('A contract of your own'),
      }),
    )
  })
})
