import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../../test/golden.ts'
import { Embedder } from '../../embedder/embedder.ts'
import { parseClipConfig } from './config.ts'

const defaults = parseClipConfig({ text_config: {}, vision_config: {} })
const text = { hidden_size: 64, num_attention_heads: 4, hidden_act: 'gelu', eos_token_id: 5 }
const vision = { hidden_size: 96, num_attention_heads: 4, image_size: 64 }

describe('the two spellings of a tower', () => {
  test.each([
    ['neither', {}],
    ['nulls', { text_config: null, vision_config: null, text_config_dict: null, vision_config_dict: null }],
    ['empty ones', { text_config_dict: {}, vision_config_dict: {} }],
    ['an empty one that wins', { text_config: text, text_config_dict: {}, vision_config: {} }],
  ])('%s: the defaults of the class', (_, json) => expect(parseClipConfig(json)).toEqual(defaults))

  test('…_config_dict alone is read as …_config is', () => {
    const dicts = parseClipConfig({ text_config_dict: text, vision_config_dict: vision })
    expect(dicts).toEqual(parseClipConfig({ text_config: text, vision_config: vision }))
    expect(dicts).toMatchObject({ text: { hidden: 64 }, eosId: 5, vision: { hidden: 96, image: 64 } })
  })

  test('null beside …_config changes nothing', () => {
    const json = { text_config: text, vision_config: vision }
    expect(parseClipConfig({ ...json, text_config_dict: null, vision_config_dict: null })).toEqual(
      parseClipConfig(json),
    )
  })

  test('…_config_dict wins, and a key that it lacks has its default, not the value of the other', () => {
    const read = parseClipConfig({
      text_config: text,
      text_config_dict: { hidden_size: 128, num_attention_heads: 8 },
      vision_config: vision,
      vision_config_dict: { image_size: 32 },
    })
    expect(read.text).toMatchObject({ hidden: 128, heads: 8, activation: 'quick_gelu' })
    expect(read.eosId).toBe(49407)
    expect(read.vision).toMatchObject({ hidden: 768, image: 32 })
  })

  test('an error names the key where it stands', () => {
    expect(() => parseClipConfig({ text_config: {}, text_config_dict: { hidden_size: 'wide' } })).toThrow(
      /text_config_dict\.hidden_size/,
    )
  })
})

describe('vectors of the golden CLIP under such configs', () => {
  const root = mkdtempSync(join(tmpdir(), 'bifocal-clip-'))
  afterAll(() => rmSync(root, { recursive: true }))
  const checkpoint = () => join(goldenDir('clip'), 'checkpoint')
  type Json = Record<string, Record<string, unknown>>
  const without = (json: Record<string, unknown> | undefined, key: string) =>
    Object.fromEntries(Object.entries(json ?? {}).filter(([name]) => name !== key))

  // The first four numbers of transformers 4.57.6 for this text.
  const plain = [0.083367, -0.0466, 0.038722, -0.323003]
  test.each<[string, (json: Json) => object, number[]]>([
    [
      'the text tower in text_config_dict',
      (c) => ({ text_config: {}, text_config_dict: c.text_config }),
      plain,
    ],
    [
      'the picture tower likewise',
      (c) => ({ vision_config: undefined, vision_config_dict: c.vision_config }),
      plain,
    ],
    [
      'another activation in text_config_dict',
      (c) => ({ text_config_dict: { ...c.text_config, hidden_act: 'gelu' } }),
      [0.083621, -0.043608, 0.043036, -0.321578],
    ],
    [
      'an activation that text_config_dict lacks',
      (c) => ({
        text_config: { ...c.text_config, hidden_act: 'gelu' },
        text_config_dict: without(c.text_config, 'hidden_act'),
      }),
      plain,
    ],
    [
      'an end token that text_config_dict lacks: no text has the default one, the first token is read',
      (c) => ({ text_config_dict: without(c.text_config, 'eos_token_id') }),
      [-0.162463, -0.320261, -0.107673, -0.397709],
    ],
  ])('%s', async (_, change, expected) => {
    const dir = mkdtempSync(join(root, 'copy-'))
    cpSync(checkpoint(), dir, { recursive: true })
    const json: Json = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...json, ...change(json) }))
    const embedder = await Embedder.load(dir, { threads: 1 })
    const { vectors } = await embedder.embed([{ text: 'a cat on a mat' }])
    await embedder.close()
    expect(vectors.data.subarray(0, 4)).toBeAllClose(expected, { atol: 2e-6 })
  })
})
