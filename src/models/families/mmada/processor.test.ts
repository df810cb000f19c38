import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { tinyMmadaConfig } from '../../../../test/configs/mmada.ts'
import { goldenDir } from '../../../../test/golden.ts'
import type { RgbImage } from '../../../inputs/media/image.ts'
import type { Tokenizer } from '../../../inputs/text/tokenizer.ts'
import type { Processor } from '../family.ts'
import { parseMmadaConfig } from './config.ts'
import { mmadaProcessor } from './processor.ts'
import { vocabularyOf } from './vocabulary.ts'

const picture: RgbImage = { width: 9, height: 5, data: new Uint8Array(135) }
const checkpoint = `${goldenDir('mmada')}/checkpoint`

describe('MMaDA processor', () => {
  const processorWith = (changes: object, dir = checkpoint) => {
    const read = (file: string) => z.looseObject({}).parse(JSON.parse(readFileSync(file, 'utf8')))
    const tokenizer = read(`${goldenDir('mmada')}/image-tokenizer/config.json`)
    return mmadaProcessor(
      dir,
      parseMmadaConfig({ ...read(`${dir}/config.json`), image_tokenizer_config: tokenizer, ...changes }),
    )
  }
  let processor: Processor
  beforeAll(async () => {
    processor = await processorWith({})
  })

  test('pictures come first, each between its marks, and hold the id of code 0', () => {
    const { inputIds, imageIndex, spans, views } = processor.prepare('ab', [picture, picture])
    expect(inputIds).toHaveLength(1 + 2 * 66 + 2)
    expect(inputIds.slice(0, 3)).toEqual([439, 434, 449])
    expect(inputIds.slice(66, 68)).toEqual([435, 434])
    expect(imageIndex.slice(0, 3)).toEqual([-1, -1, 0])
    expect(imageIndex.slice(68, 70)).toEqual([64, 65])
    expect(views.map(({ dims }) => dims.join())).toEqual(['3,32,32', '3,32,32'])
    expect(spans.image).toEqual([
      [2, 66],
      [68, 132],
    ])
  })

  test('the marks around a picture are no text', () => {
    const { spans, inputIds } = processor.prepare('<|startoftext|>ab', [picture])
    expect(spans.text).toEqual([[67, 70]])
    expect(inputIds[67]).toBe(430)
  })

  test.each(['<image>\nab', 'a<image> b', '<|image_1|>ab'])(
    'the placeholder of %j goes with what follows it',
    (prompt) => {
      expect(processor.prepare(prompt, [picture]).inputIds).toEqual(
        processor.prepare('ab', [picture]).inputIds,
      )
    },
  )

  test('more placeholders than pictures are refused', () => {
    expect(() => processor.prepare('<image><image>a', [picture])).toThrowError(
      expect.objectContaining({ code: 'family/image-count' }),
    )
  })

  test('the tail starts after the instruction', () => {
    const { prompt, instructionEnd } = processor.prompt({
      instruction: 'Find it.',
      text: 'two bars',
      images: 1,
    })
    const { inputIds, spans } = processor.prepare(prompt, [picture], { instructionEnd })
    expect(processor.tokenizer.decode(inputIds.slice(spans.tailStart))).toBe(prompt.slice(instructionEnd))
  })

  test('text that holds marks of the model is refused, whatever field brings it', () => {
    for (const parts of [{ text: 'a<|eot_id|>' }, { instruction: 'x <|mdm_mask|>' }]) {
      expect(() => processor.prompt({ ...parts, images: 0 })).toThrowError(
        expect.objectContaining({ code: 'family/reserved-token' }),
      )
    }
    expect(processor.prompt({ text: '<image> a <eot_id>', images: 1 }).prompt).toContain('a <eot_id>')
  })

  test('messages in parts are joined to the string that the template wants', () => {
    const parts = [
      { type: 'image' as const },
      { type: 'text' as const, text: 'a' },
      { type: 'text' as const, text: 'b' },
    ]
    expect(processor.render([{ role: 'user', content: parts }])).toBe(
      processor.render([{ role: 'user', content: 'ab' }]),
    )
  })

  describe('an item that is too long', () => {
    const words = 'abcdefghijklmnopqrstuvwxyz'.repeat(4)
    const closing = '<|eot_id|><|start_header_id|>assistant<|end_header_id|>'

    test('is refused, or its words are cut: picture, closing header and appended ids stay', async () => {
      const short = await processorWith({ max_sequence_length: 120 })
      const { prompt } = short.prompt({ text: words, images: 1 })
      expect(() => short.prepare(prompt, [picture])).toThrowError(
        expect.objectContaining({ code: 'family/too-long' }),
      )
      const { inputIds, imageIndex } = short.prepare(prompt, [picture], {
        truncation: 'reference',
        appendIds: [445],
      })
      expect(inputIds).toHaveLength(120)
      expect(imageIndex.filter((row) => row >= 0)).toHaveLength(64)
      expect(inputIds.at(-1)).toBe(445)
      expect(short.tokenizer.decode(inputIds.slice(67, -1))).toMatch(
        new RegExp(`user<\\|end_header_id\\|>\\n\\nabc.*${closing.replaceAll('|', '\\|')}\\n\\n$`),
      )
    })

    test('what is not words alone does not fit', async () => {
      const tiny = await processorWith({ max_sequence_length: 70 })
      const { prompt } = tiny.prompt({ text: words, images: 1 })
      expect(() => tiny.prepare(prompt, [picture], { truncation: 'reference' })).toThrowError(
        expect.objectContaining({ code: 'family/too-long' }),
      )
    })

    test('a turn that ends otherwise is cut before its closing header', async () => {
      const short = await processorWith({ max_sequence_length: 40 })
      const prompt = `<|startoftext|><|start_header_id|>user<|end_header_id|>\n${words}<eot_id><|start_header_id|>assistant<|end_header_id|>\n`
      const { inputIds } = short.prepare(prompt, [], { truncation: 'reference' })
      expect(inputIds).toHaveLength(40)
      expect(short.tokenizer.decode(inputIds)).toMatch(
        /\nabc.*[a-z]<\|start_header_id\|>assistant<\|end_header_id\|>\n$/,
      )
    })
  })

  test("a folder without a template gets the reference demo's: one newline after each header", async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bifocal-mmada-'))
    try {
      cpSync(checkpoint, dir, { recursive: true })
      rmSync(join(dir, 'chat_template.jinja'))
      expect((await processorWith({}, dir)).prompt({ text: ' a ', images: 1 }).prompt).toBe(
        '<|startoftext|><|start_header_id|>user<|end_header_id|>\na<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n',
      )
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  test('pictures are fitted as the config says, or the caller', async () => {
    const striped: RgbImage = { ...picture, data: picture.data.map((_, i) => (Math.floor(i / 3) % 9) * 20) }
    const levels = (of: Processor, imageFit?: 'crop' | 'squash') => [
      ...of.prepare('a', [striped], { settings: { imageFit } }).views[0]!.data,
    ]
    const squashing = await processorWith({ image_fit: 'squash' })
    expect(levels(squashing)).toEqual(levels(processor, 'squash'))
    expect(levels(processor)).toEqual(levels(squashing, 'crop'))
    expect(levels(processor)).not.toEqual(levels(squashing))
  })
})

describe('where image codes begin', () => {
  const tokenizer = (size: number, tokens: Readonly<Record<string, number>>): Tokenizer => ({
    size,
    maxLength: undefined,
    surelyLonger: () => false,
    addedTokens: () => [],
    special: { bos: size - 269 },
    encode: () => [],
    decode: () => '',
    tokenId: (token) => tokens[token],
  })
  const reserved = (from: number) =>
    Object.fromEntries([0, 1, 5].map((slot) => [`<|reserved_token_${slot}|>`, from + slot]))
  const published = {
    ...parseMmadaConfig(tinyMmadaConfig),
    textRows: 126_464,
    codebook: 8192,
    decoder: { ...parseMmadaConfig(tinyMmadaConfig).decoder, vocabulary: 134_656 },
  }

  test('at the length of the tokenizer, not where the rows of text end', () => {
    const found = vocabularyOf(tokenizer(126_349, reserved(126_084)), published, 'x')
    expect(found).toEqual({ soi: 126_084, eoi: 126_085, mmu: 126_089, offset: 126_349, reserved: 126_080 })
    expect(vocabularyOf(tokenizer(781, reserved(516)), parseMmadaConfig(tinyMmadaConfig), 'x').offset).toBe(
      781,
    )
  })

  test.each<[what: string, size: number, change: object, code: string]>([
    ['a published vocabulary with a tokenizer of another length', 126_346, {}, 'family/image-offset'],
    ['a tokenizer that leaves no room for the codes', 130_000, { textRows: 1 }, 'family/image-offset'],
    ['a tokenizer without marks', 126_349, {}, 'family/special-token'],
  ])('%s is refused', (_, size, change, code) => {
    expect(() => vocabularyOf(tokenizer(size, {}), { ...published, ...change }, 'x')).toThrowError(
      expect.objectContaining({ code }),
    )
  })

  test('unless the config says where', () => {
    expect(
      vocabularyOf(tokenizer(126_346, reserved(126_084)), { ...published, imageTokenOffset: 126_349 }, 'x')
        .offset,
    ).toBe(126_349)
  })
})
