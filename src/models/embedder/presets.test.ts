import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { preset as presetFlag } from '../../cli/flags.ts'
import type { RgbImage } from '../../inputs/media/image.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { modelOf } from '../families/registry.ts'
import { defaultContract, readContract, writeContract } from './contract.ts'
import { Embedder } from './embedder.ts'
import { applyImagePolicy, PLAIN_IMAGES } from './image-policy.ts'
import { presetFor, presetNames, presets, withPreset } from './presets.ts'
import { sequencePreparer } from './sequence.ts'
import { openSubject } from './subject.ts'
import { punctuated, templatePrompt } from './template.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-presets-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

function picture(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256) }
}

describe('prompts as the published code writes them', () => {
  const promptOf = (
    name: keyof typeof presets,
    item: { instruction?: string; text?: string; images?: number },
  ) => {
    const { template = '', placeholder, instruction } = presets[name].contract.prompt
    return templatePrompt(template, { images: 0, instruction, ...item }, placeholder).prompt
  }
  const chat = (system: string, user: string) =>
    `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${user}<|im_end|>\n<|im_start|>assistant\n`
  const helpful = (user: string) => `${chat('You are a helpful assistant.', user)}<|endoftext|>`
  const llama = (user: string) =>
    `<|start_header_id|>user<|end_header_id|>\n\n${user}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n`
  const seen = '<|vision_start|><|image_pad|><|vision_end|>'

  test.each([
    [
      'vlm2vec-llava-next',
      { images: 1, instruction: 'Represent the given image', text: 'a cat' },
      '<image> Represent the given image a cat',
    ],
    ['vlm2vec-llava-next', { text: 'A cat and a dog' }, 'A cat and a dog'],
    [
      'vlm2vec-qwen2-vl',
      { images: 1, instruction: 'What is in the image' },
      '<|image_pad|> What is in the image',
    ],
    ['vlm2vec-v2', { images: 1 }, '<|image_pad|>'],
    // A finished MMEB string: the line break after the picture takes the place of the space.
    ['vlm2vec-v2', { images: 1, text: '\nFind it: a cat\n' }, '<|image_pad|>\nFind it: a cat\n'],
    [
      'gme',
      { instruction: 'Find.', images: 1, text: 'a cat' },
      `${chat('Find.', `${seen}a cat`)}<|endoftext|>`,
    ],
    ['gme', { instruction: 'Find.', text: 'a cat' }, `${chat('Find.', 'a cat')}<|endoftext|>`],
    ['e5-v', { images: 1 }, llama('<image>\nSummary above image in one word: ')],
    ['e5-v', { text: 'a cat' }, llama('a cat\nSummary above sentence in one word: ')],
    [
      'e5-v',
      { images: 1, text: 'a cat' },
      llama('<image>\na cat\nSummary above image and text in one word: '),
    ],
    [
      'qwen3-vl-embedding',
      { instruction: 'Find.', images: 2, text: 'a cat' },
      chat('Find.', `${seen}${seen}a cat`),
    ],
    ['moca', { text: 'a cat' }, 'a cat'],
    ['moca', { images: 1 }, `${seen}Represent the given document image.\n`],
    [
      'moca',
      { images: 1, text: 'Is it red?' },
      `${seen}Represent the given image with the following question: Is it red?\n`,
    ],
    ['ops-mm-embedding', { text: 'a cat' }, helpful('a cat')],
    ['ops-mm-embedding', { images: 1 }, helpful(seen)],
    [
      'ops-mm-embedding',
      { instruction: 'Find.', images: 1, text: 'a cat' },
      `${chat('Find.', `${seen}a cat`)}<|endoftext|>`,
    ],
    ['rzenembed', { text: 'a cat' }, helpful('a cat')],
    ['rzenembed', { images: 1, instruction: 'Represent it.' }, helpful(`${seen}Represent it.`)],
    ['rzenembed', { images: 1, instruction: 'Find: ', text: 'a cat' }, helpful(`${seen}Find: a cat`)],
    ['unite', { text: 'a cat' }, helpful('a cat\nSummary above sentence in one word:')],
    ['unite', { images: 1 }, helpful(`${seen}\nSummary above image in one word:`)],
    [
      'unite',
      { images: 1, text: 'a cat' },
      helpful(`${seen}a cat\nSummary above sentence and image in one word:`),
    ],
    ['gve', { text: 'a cat' }, helpful('a cat')],
    ['gve', { images: 1 }, helpful(seen)],
    [
      'gve',
      { instruction: 'Find.', images: 1, text: 'a cat' },
      `${chat('Find.', `${seen}a cat`)}<|endoftext|>`,
    ],
    ['nomic-embed-multimodal', { text: 'a cat' }, 'Query: a cat<|endoftext|>'],
    [
      'nomic-embed-multimodal',
      { images: 1 },
      `<|im_start|>user\n${seen}Describe the image.<|im_end|><|endoftext|>`,
    ],
    ['lavida-zero-shot', { text: 'a cat' }, 'a cat conclusion this in one sentence.'],
    ['lavida-zero-shot', { images: 1 }, '<image>\nDescribe the image in one sentence.'],
  ] as const)('%s %o', (name, item, expected) => {
    expect(promptOf(name, item)).toBe(expected)
  })

  test('an instruction without a slot is refused, not lost', () => {
    expect(() => promptOf('e5-v', { text: 'a cat', instruction: 'Find' })).toThrow(/no \{instruction\}/)
  })

  test.each(['lavida-zero-shot', 'nomic-embed-multimodal'] as const)(
    '%s: a picture with words is refused, as nobody has said how it is put',
    (name) => {
      expect(() => promptOf(name, { text: 'a cat', images: 1 })).toThrow(/no form for both/)
    },
  )

  test('where the instruction ends', () => {
    const { prompt, instructionEnd } = templatePrompt('{image} {instruction} {text}', {
      images: 1,
      instruction: 'Find',
      text: 'a cat',
    })
    expect(prompt.slice(0, instructionEnd)).toBe('<image> Find')
  })

  test.each([
    ['Find', 'Find.'],
    [' Find it ', 'Find it.'],
    ['Find?', 'Find?'],
    ['検索。', '検索。'],
    ['', ''],
  ])('an instruction %j gets its full stop: %j', (given, expected) => {
    expect(punctuated(given)).toBe(expected)
  })
})

describe('picture policies', () => {
  const size = (width: number, height: number, name: keyof typeof presets) => {
    const made = applyImagePolicy(picture(width, height), presets[name].contract.image)
    return [made.width, made.height]
  }

  test.each([
    ['vlm2vec-qwen2-vl', [30, 20], [1344, 1344]],
    ['vlm2vec-v2', [640, 480], [644, 476]],
    ['vlm2vec-v2', [500, 20], [56, 56]],
    ['vlm2vec-v2', [1500, 1000], [1204, 812]],
    ['gme', [60, 60], [448, 448]],
    // 504×28 first: at once it would be 2240×112.
    ['gme', [500, 20], [1904, 112]],
    ['ops-mm-embedding', [500, 20], [2240, 112]],
    ['rzenembed', [500, 20], [1904, 112]],
    ['unite', [60, 60], [448, 448]],
    ['gve', [50, 20], [50, 20]],
    ['qwen3-vl-embedding', [640, 480], [640, 480]],
    ['qwen3-vl-embedding', [40, 30], [96, 64]],
    ['e5-v', [50, 20], [50, 20]],
    // 1000×28 first: √(256·28² / 28,000) = 2.68 times that, in steps of 28.
    ['moca', [1000, 20], [2688, 84]],
    ['moca', [640, 480], [644, 476]],
  ] as const)('%s makes %j %j', (name, [width, height], expected) => {
    expect(size(width, height, name)).toEqual(expected)
  })
})

describe('a preset is found', () => {
  test.each([
    ['by its repository', 'Qwen/Qwen3-VL-Embedding-8B', 'qwen3-vl', 'qwen3-vl-embedding'],
    ['by a folder of its name', '/data/gme-Qwen2-VL-2B-Instruct/', 'qwen2-vl', 'gme'],
    [
      'in the cache',
      '/c/hub/models--TIGER-Lab--VLM2Vec-Qwen2VL-2B/snapshots/0123',
      'qwen2-vl',
      'vlm2vec-qwen2-vl',
    ],
    ['by its adapter', 'nomic-ai/nomic-embed-multimodal-3b', 'qwen2.5-vl', 'nomic-embed-multimodal'],
    ['by one of its sizes', '/m/Ops-MM-embedding-v1-7B', 'qwen2-vl', 'ops-mm-embedding'],
    ['by its version', 'friedrichor/Unite-Instruct-Qwen2-VL-7B', 'qwen2-vl', 'unite'],
    ['by its owner', 'qihoo360/RzenEmbed', 'qwen2-vl', 'rzenembed'],
    ['by its size', 'Alibaba-NLP/GVE-3B', 'qwen2.5-vl', 'gve'],
    [
      'on LLaVA-OneVision',
      'TianchengGu/UniME-V2-LLaVA-OneVision-8B',
      'llava-onevision',
      'unime-v2-llava-onevision',
    ],
    ['not for its base model', 'Qwen/Qwen2-VL-2B-Instruct', 'qwen2-vl', undefined],
    ['not for another family', 'royokong/e5-v', 'qwen2-vl', undefined],
    ['not inside other names', '/data/my-e5-v', 'llava-next', undefined],
  ])('%s: %s', (_, name, family, expected) => {
    expect(presetFor([undefined, name], family)).toBe(expected)
  })
})

test('masks stand behind every prompt, and a mean is over all', async () => {
  const dir = join(goldenDir('lavida-dream'), 'checkpoint')
  const { model, encoder } = await openSubject(dir, { preset: 'lavida-zero-shot' })
  if (model.kind !== 'vision-language') throw new Error('no decoder')
  const { item, weights } = (await sequencePreparer(model, encoder))({
    text: 'a cat',
    pictures: [],
    pictureKey: undefined,
  })
  const mask = Number(encoder.checkpoint.config.mask_token_id)
  expect(item.inputIds.slice(-8)).toEqual(new Array(8).fill(mask))
  expect(item.inputIds.filter((id) => id === mask)).toHaveLength(8)
  expect(weights.get('mean')).toEqual(new Float32Array(item.inputIds.length).fill(1))
})

test('the command line knows the same names', () => {
  expect(presetNames.map((name) => presetFlag.parse(name))).toEqual(presetNames)
  expect(() => presetFlag.parse('clip')).toThrow(/expected one of vlm2vec-llava-next, .*, none/)
})

describe('on a small Qwen2-VL', () => {
  const base = join(goldenDir('qwen2-vl'), 'checkpoint')

  test('the folder of a published name gets its preset, with a warning; none turns it off', async () => {
    const dir = join(root, 'gme-Qwen2-VL-2B-Instruct')
    symlinkSync(base, dir)
    const warnings: string[] = []
    const { preset, encoder } = await openSubject(dir, { warn: (message) => warnings.push(message) })
    expect(preset).toBe('gme')
    expect(encoder.contract.prompt).toEqual(presets.gme.contract.prompt)
    expect(warnings.join()).toMatch(/gme.*--preset none.*not been compared/)
    const off = await openSubject(dir, { preset: 'none', warn: (message) => warnings.push(message) })
    expect(off.encoder.contract).toEqual(defaultContract(off.model))
    expect(warnings).toHaveLength(1)
    await expect(openSubject(dir, { preset: 'e5-v' })).rejects.toMatchObject({
      code: 'embedder/preset-family',
    })
  })

  test('positions of pictures are as the contract says', async () => {
    const checkpoint = await openCheckpoint(base)
    const model = modelOf(checkpoint.config)
    if (model.kind === 'dual-encoder') return expect.unreachable()
    const positionsIn = async (mropeMode: 'grid' | 'plain') => {
      const contract = {
        ...withPreset(defaultContract(model), 'gme', model.family),
        image: PLAIN_IMAGES,
        family: { mropeMode },
      }
      const prepare = await sequencePreparer(model, { checkpoint, contract, readouts: [contract.readout] })
      const { item, prompt } = prepare({
        instruction: 'Find.',
        text: 'a cat',
        pictures: [picture(90, 60)],
        pictureKey: 'a',
      })
      expect(prompt).toContain('<|im_end|>')
      return item.positions!
    }
    const [plain, grid] = [await positionsIn('plain'), await positionsIn('grid')]
    expect(plain[1]).toEqual(plain[0])
    expect(plain[0]).toEqual(Array.from({ length: plain[0]!.length }, (_, i) => i))
    expect(grid[2]).not.toEqual(grid[0])
  })

  test('a preset survives the contract file, and embeds', async () => {
    const dir = join(root, 'written')
    mkdirSync(dir)
    const model = modelOf((await openCheckpoint(base)).config)
    const contract = {
      ...withPreset(defaultContract(model), 'vlm2vec-v2', model.family),
      base: { path: base },
    }
    await writeContract(dir, contract)
    expect((await readContract(dir))?.contract).toEqual(JSON.parse(JSON.stringify(contract)))
    const embedder = await Embedder.load(dir)
    const { vectors } = await embedder.embed([
      { text: 'a cat' },
      { image: picture(40, 60), instruction: 'What is in the image' },
    ])
    await embedder.close()
    expect(Math.hypot(...vectors.data.subarray(vectors.dims[1]))).toBeCloseTo(1, 5)
  })
})
