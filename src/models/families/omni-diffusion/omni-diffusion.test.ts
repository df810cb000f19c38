import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { editText, negated } from '../../../../test/broken-fixture.ts'
import { omniDiffusion7b } from '../../../../test/configs/published.ts'
import { expectReference, testMistakes } from '../../../../test/family-reference.ts'
import { goldenDir } from '../../../../test/golden.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { openModel } from '../open.ts'
import { modelParameters } from '../parameters.ts'
import { familyOf, modelOf } from '../registry.ts'

test('equals the reference at every stage', async () => {
  await expectReference('omni-diffusion', [
    'prompt',
    'image_codes',
    'input_ids',
    'vision',
    'layer.00',
    'causal/norm',
    'pool.mask-shifted',
  ])
})

test('the sizes of its code ask for the published decoder and picture tokenizer', () => {
  const slots = modelParameters(modelOf(omniDiffusion7b))
  const decoder = slots.filter(({ name }) => !name.startsWith('image_tokenizer.'))
  expect(decoder).toHaveLength(339)
  expect(decoder.reduce((sum, { dims }) => sum + sizeOf(dims), 0)).toBe(7_789_082_112)
  expect(modelOf(omniDiffusion7b)).toMatchObject({ shape: { imageCodes: 8192, view: [3, 512, 512] } })
})

test('plain Dream, a text model with the same model_type, is no model here', () => {
  expect(familyOf({ ...omniDiffusion7b, vocab_size: 152_064 })).toBeUndefined()
})

testMistakes('omni-diffusion', [
  [
    'another picture size',
    'image-instruction',
    'visual_spans',
    editText('image-tokenizer/config.json', '"resolution": 12', '"resolution": 14'),
  ],
  [
    'a bias of the picture tokenizer',
    'image-instruction',
    'vision',
    negated('encoder.conv_out.bias', 'image-tokenizer/pytorch_model.safetensors'),
  ],
  [
    'a rope base',
    'text',
    'layer.00',
    editText('checkpoint/config.json', '"rope_theta": 1000000.0', '"rope_theta": 10000.0'),
  ],
  ['a bias of the decoder', 'text', 'layer.00', negated('model.layers.0.self_attn.v_proj.bias')],
])

describe('the prompt', () => {
  const processorOf = async (dir: string) => {
    const folder = goldenDir(dir)
    const { config } = await openModel(join(folder, 'checkpoint'), {
      companion: join(folder, 'image-tokenizer'),
    })
    const model = modelOf(config)
    if (model.kind !== 'vision-language') throw new Error('no decoder')
    return await model.processor(join(folder, 'checkpoint'))
  }

  test('has the picture after the text, also where a message has it first, and no system turn', async () => {
    const processor = await processorOf('omni-diffusion')
    const expected = '<|im_start|>user\nIs it red?\n<|image|><|im_end|>\n<|im_start|>assistant\n'
    const content = [{ type: 'image' as const }, { type: 'text' as const, text: 'Is it red?' }]
    expect(processor.render([{ role: 'user', content }])).toBe(expected)
    expect(processor.prompt({ text: 'Is it red?', images: 1 }).prompt).toBe(expected)
  })

  test.each(['<|image_5|>', '<|image|>', '<|begin_of_image|>', '<|audio_3|>'])(
    'a text with %s is refused',
    async (mark) => {
      const processor = await processorOf('omni-diffusion')
      expect(() => processor.prompt({ text: `a ${mark}`, images: 0 })).toThrow(/mark of the model/)
    },
  )

  test('marks around a picture belong to neither text nor image', async () => {
    const processor = await processorOf('omni-diffusion')
    const picture = { width: 20, height: 12, data: new Uint8Array(3 * 20 * 12) }
    const { spans, inputIds } = processor.prepare('a <|image|> b', [picture])
    const [[start, end]] = spans.image as [[number, number]]
    expect(end - start).toBe(36)
    expect(spans.text).toEqual([
      [0, start - 1],
      [end + 1, inputIds.length],
    ])
  })
})
