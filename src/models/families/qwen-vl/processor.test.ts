import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../../test/golden.ts'
import { jsonObject, readJson } from '../../../foundation/files/file.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import { parseQwenVlConfig } from './config.ts'
import { qwenVlProcessor } from './processor.ts'
import type { QwenSettings } from './settings.ts'

const checkpoint = join(goldenDir('qwen2-vl'), 'checkpoint')
const copies = mkdtempSync(join(tmpdir(), 'bifocal-qwen-'))
afterAll(() => rmSync(copies, { recursive: true, force: true }))

async function processorOf(dir: string) {
  return qwenVlProcessor(
    dir,
    parseQwenVlConfig(await readJson(join(checkpoint, 'config.json'), jsonObject), 'qwen2-vl'),
  )
}

const grey: RgbImage = { width: 84, height: 56, data: new Uint8Array(84 * 56 * 3).fill(128) }

describe('qwen2-vl processor', () => {
  // The first picture stands bare, the second after <|vision_start|>.
  const prompt = '<|image_pad|><|vision_start|><|image_pad|><|vision_end|>'

  test.each<[mode: QwenSettings['mropeMode'], rows: number[]]>([
    // Transformers 4 counts one such picture and takes the first.
    ['reference', [0, 0, 0, 1, 1, 1, 3, 4, 5, 6, 7, 8, 9, 10]],
    ['grid', [0, 0, 0, 1, 1, 1, 3, 4, 4, 4, 5, 5, 5, 7]],
    ['plain', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]],
  ])('mropeMode %s', async (mropeMode, rows) => {
    const { prepare } = await processorOf(checkpoint)
    const item = prepare(prompt, [grey, grey], { settings: { mropeMode } })
    expect(item.positions?.[1]).toEqual(rows)
    expect(item.inputIds).toHaveLength(rows.length)
  })

  test('each token of a picture is a view and a row of the table', async () => {
    const { prepare } = await processorOf(checkpoint)
    const item = prepare(prompt, [grey, grey])
    expect(item.views).toHaveLength(12)
    expect(item.views[0]!.dims).toEqual([4, 1176])
    expect(item.imageIndex).toEqual([0, 1, 2, 3, 4, 5, -1, 6, 7, 8, 9, 10, 11, -1])
    expect(item.reported).toEqual({
      image_grid_thw: [
        [1, 4, 6],
        [1, 4, 6],
      ],
    })
    expect(prepare('no picture', []).visionFeeds).toBeUndefined()
  })

  test('the template puts pictures first and tells where the instruction ends', async () => {
    const { prompt: build } = await processorOf(checkpoint)
    const { prompt: made, instructionEnd } = build({ instruction: 'Find it.', text: 'cat', images: 1 })
    expect(made).toContain('<|vision_start|><|image_pad|><|vision_end|>Find it.\ncat<|im_end|>')
    expect(made.slice(0, instructionEnd)).toMatch(/Find it\.$/)
  })

  test.each<[what: string, from: string, to: string]>([
    ['another class', 'Qwen2VLImageProcessor', 'CLIPImageProcessor'],
    ['patches of another size', '"patch_size": 14', '"patch_size": 16'],
  ])('refused: %s', async (_, from, to) => {
    const dir = mkdtempSync(join(copies, 'checkpoint-'))
    cpSync(checkpoint, dir, { recursive: true })
    const file = join(dir, 'preprocessor_config.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))
    await expect(processorOf(dir)).rejects.toMatchObject({ code: 'family/processor' })
  })

  test('placeholders and pictures must be as many', async () => {
    const { prepare } = await processorOf(checkpoint)
    expect(() => prepare(prompt, [grey])).toThrowError(
      expect.objectContaining({ code: 'family/image-count' }),
    )
  })
})
