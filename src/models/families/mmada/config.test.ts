import { describe, expect, test } from 'vitest'
import { lladaConfig } from '../../../../test/configs/lavida.ts'
import { mmadaConfig, tinyMmadaConfig } from '../../../../test/configs/mmada.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { modelParameters } from '../parameters.ts'
import { companionOf, modelOf } from '../registry.ts'
import { parametersOf } from '../weights.ts'
import { imageTokens, parseMmadaConfig } from './config.ts'
import { decodeImage } from './image-tokenizer.ts'

/** Tensors and numbers of the language model, the image encoder and the image decoder. */
function countsOf(json: Readonly<Record<string, unknown>>): [tensors: number, numbers: number][] {
  const slots = modelParameters(modelOf(json))
  const graph = new Graph()
  const { imageDecoder, resolution, factor } = parseMmadaConfig(json)
  const side = resolution / factor
  decodeImage(
    rootScope(graph),
    imageDecoder,
    graph.input('signs', 'f32', ['views', imageDecoder.bits, side, side]),
  )
  const encoder = slots.filter(({ name }) => name.startsWith('image_tokenizer.'))
  return [slots.filter((slot) => !encoder.includes(slot)), encoder, parametersOf(graph)].map((of) => [
    of.length,
    of.reduce((sum, { dims }) => sum + sizeOf(dims), 0),
  ])
}

describe('the published configs give full-size graphs', () => {
  test('8B-Base and MixCoT with their image tokenizer', () => {
    expect(countsOf(mmadaConfig)).toEqual([
      [291, 8_082_690_048],
      [190, 55_439_171],
      [190, 39_947_833],
    ])
    expect(modelOf(mmadaConfig).shape).toMatchObject({
      view: [3, 512, 512],
      vocabulary: 134_656,
      imageCodes: 8192,
    })
    expect(imageTokens(parseMmadaConfig(mmadaConfig))).toBe(1024)
    expect(companionOf(mmadaConfig)?.repository).toBe('showlab/magvitv2')
  })

  test.each([
    [6, 2_139_840, 394_032, 449_421],
    [8, 2_213_568, 395_216, 450_603],
  ])('a tiny one with %s bits', (bits, language, encoder, decoder) => {
    const rows = 896 + 2 ** bits
    const sizes = { vocab_size: rows, embedding_size: rows, new_vocab_size: rows, codebook_size: 2 ** bits }
    const half = { ...tinyMmadaConfig.image_tokenizer_config.encoder, z_channels: bits }
    expect(countsOf({ ...tinyMmadaConfig, ...sizes, image_tokenizer_config: { encoder: half } })).toEqual([
      [39, language],
      [74, encoder],
      [74, decoder],
    ])
  })

  test('the number of image tokens is that of the picture, not num_vq_tokens', () => {
    expect(imageTokens(parseMmadaConfig({ ...mmadaConfig, image_resolution: 256 }))).toBe(256)
    expect(imageTokens(parseMmadaConfig({ ...mmadaConfig, num_vq_tokens: 7 }))).toBe(1024)
  })
})

describe('a config that makes no model is refused', () => {
  test('one error lists all missing keys', () => {
    const missing = ['n_heads', 'rope_theta', 'new_vocab_size']
    const rest = Object.fromEntries(Object.entries(tinyMmadaConfig).filter(([key]) => !missing.includes(key)))
    expect(() => parseMmadaConfig(rest)).toThrow(/n_heads.*rope_theta.*new_vocab_size/)
  })

  const encoder = (change: object) => ({
    image_tokenizer_config: { encoder: { ...tinyMmadaConfig.image_tokenizer_config.encoder, ...change } },
  })

  test.each<[what: string, change: object, message: RegExp]>([
    ['a tied head', { weight_tying: true }, /weight_tying/],
    ['tables of two sizes', { embedding_size: 961 }, /vocab_size 960, embedding_size 961/],
    ['codes that are no number of bits', { codebook_size: 100 }, /codebook_size 100 is not 2\^6/],
    ['another number of bits', encoder({ z_channels: 7 }), /codebook_size 64 is not 2\^7/],
    [
      'pictures that are no whole tokens',
      { image_resolution: 60 },
      /60 pixels cannot be cut into tokens of 8/,
    ],
    [
      'codes past the table',
      { image_token_offset: 897 },
      /image_token_offset 897: 64 codes do not fit into a table of 960/,
    ],
    ['groups that do not divide a width', encoder({ ch: 48 }), /32 groups/],
    ['attention in a level', encoder({ attn_resolutions: [16] }), /attn_resolutions/],
    ['levels without blocks', encoder({ num_res_blocks: [1] }), /one number for each level/],
    ['heads that do not divide the width', { n_heads: 7, n_kv_heads: 7 }, /7 heads/],
  ])('%s', (_, change, message) => {
    expect(() => parseMmadaConfig({ ...tinyMmadaConfig, ...change })).toThrow(message)
  })

  test('LaViDa and the sibling of another architecture are not this family', () => {
    expect(modelOf(lladaConfig).family).toBe('lavida')
    expect(() => modelOf({ ...mmadaConfig, model_type: 'llada' })).toThrow(
      /no family takes model_type "llada"/,
    )
  })
})
