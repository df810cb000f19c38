import { describe, expect, test } from 'vitest'
import { type Edit, editTensors, editText, fixtureCopies, swap } from '../../../test/broken-fixture.ts'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { verifyGolden } from './golden.ts'

describe('mmada', () => {
  test('pixels, latents, codes, states, loss, gradients and the decoded picture equal the reference', async () => {
    const report = await verifyGolden(goldenDir('mmada'))
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
    expect(report.expected).toBeGreaterThan(25)
    expect(report.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining([
        'pixel_values',
        'vision',
        'image_codes',
        'input_ids',
        'causal/norm',
        'decode',
        'loss',
      ]),
    )
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  })

  const broken = fixtureCopies()
  const tokenizer = 'image-tokenizer/pytorch_model.safetensors'
  const block = 'model.transformer.blocks.0'
  const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)
  /** Changes one weight, number by number. */
  const change = (file: string, name: string, of: (value: number, at: number) => number): Edit =>
    editTensors(file, (tensors) => {
      const { dims, data } = toF32(tensors.get(name)!)
      tensors.set(name, f32(dims, data.map(of)))
    })

  test.each<[mistake: string, stage: string, edit: Edit]>([
    ['another chat template', 'prompt', editText('checkpoint/chat_template.jinja', '>assistant<', '>user<')],
    [
      'another way to a square',
      'pixel_values',
      editText('cases.json', '"image_transform": "squash"', '"image_transform": "crop"'),
    ],
    [
      'smaller pictures',
      'pixel_values',
      editText('image-tokenizer/config.json', '"resolution": 32', '"resolution": 28'),
    ],
    [
      'query for key in the encoder',
      'vision',
      swap('encoder.mid.attn_1.q.weight', 'encoder.mid.attn_1.k.weight', tokenizer),
    ],
    [
      'bits in another order',
      'vision',
      change(tokenizer, 'encoder.quant_conv.bias', (value, at) => (at === 0 ? -value - 9 : value)),
    ],
    ['codes of another bit', 'image_codes', editText('cases.json', /("image_codes": \[\s*\[\s*)0/, '$11')],
    [
      'codes where the rows of text end',
      'input_ids',
      config('"codebook_size"', '"image_token_offset": 480, "codebook_size"'),
    ],
    [
      'another row for code 0',
      'inputs',
      change('checkpoint/model.safetensors', 'model.transformer.wte.weight', (v, at) =>
        Math.floor(at / 64) === 449 ? v + 1 : v,
      ),
    ],
    ['gate and up swapped', 'layer.00', swap(`${block}.ff_proj.weight`, `${block}.up_proj.weight`)],
    ['another rope base', 'layer.00', config('"rope_theta": 500000.0', '"rope_theta": 10000.0')],
    [
      'no final norm',
      'norm',
      change('checkpoint/model.safetensors', 'model.transformer.ln_f.weight', () => 1),
    ],
    [
      'query for key in the decoder',
      'decode',
      swap('decoder.mid.attn_1.q.weight', 'decoder.mid.attn_1.k.weight', tokenizer),
    ],
    ['another share of masks', 'loss', editText('cases.json', '0.45', '0.5')],
    [
      'the head untrained',
      'loss',
      change('checkpoint/model.safetensors', 'model.transformer.ff_out.weight', () => 0),
    ],
  ])('%s: %s', async (_, stage, edit) => {
    const dir = broken('mmada')
    await edit(dir)
    expect((await verifyGolden(dir)).failure?.stage).toBe(stage)
  })

  test('a code book in another order of bits is refused', async () => {
    const dir = broken('mmada')
    await change(tokenizer, 'quantize.embedding', (value, at) => (at === 6 + 5 ? -value : value))(dir)
    await expect(verifyGolden(dir)).rejects.toMatchObject({
      code: 'family/codebook',
      message: expect.stringContaining('row 1, column 5'),
    })
  })
})
