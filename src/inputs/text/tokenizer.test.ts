/** @file Loading tokenizer files: both published forms, special tokens, and what is refused. */

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fc, test } from '@fast-check/vitest'
import { afterAll, describe, expect } from 'vitest'
import { loadTokenizer } from './tokenizer.ts'

const fixtures = fileURLToPath(new URL('../../../test/fixtures/text', import.meta.url))
const [llava, dream] = [join(fixtures, 'llava/checkpoint'), join(fixtures, 'lavida-dream/checkpoint')]
const root = mkdtempSync(join(tmpdir(), 'bifocal-tokenizer-'))
afterAll(() => rmSync(root, { recursive: true }))

function copyOf(dir: string): string {
  const copy = mkdtempSync(join(root, 'copy-'))
  cpSync(dir, copy, { recursive: true })
  return copy
}

test('tokenizer.json: sizes, special ids, bos by the template', async () => {
  const tokenizer = await loadTokenizer(llava)
  expect(tokenizer.size).toBe(482)
  expect(tokenizer.maxLength).toBe(2048)
  expect(tokenizer.special).toEqual({ bos: 1, eos: 2, pad: 481, unk: 0 })
  expect(tokenizer.tokenId('<image>')).toBe(480)
  expect(tokenizer.tokenId('<nothing>')).toBeUndefined()
  expect(tokenizer.encode('')).toEqual([1])
  expect(tokenizer.encode('', { addSpecialTokens: false })).toEqual([])
  expect(tokenizer.decode(tokenizer.encode('a cat'), { skipSpecialTokens: true })).toBe('a cat')
})

/** Families say under which names they read such files. */
const classes = { classes: ['DreamTokenizer'] }

test('vocab.json and merges.txt: special tokens as strings or objects', async () => {
  const tokenizer = await loadTokenizer(dream, classes)
  expect(tokenizer.size).toBe(391)
  expect(tokenizer.special).toEqual({ bos: 389, eos: 384, pad: 384, unk: 384, mask: 390 })
  expect(tokenizer.encode('\n<|mask|>')).toEqual([198, 390])
})

test('a class that no family reads is refused', async () => {
  await expect(loadTokenizer(dream)).rejects.toMatchObject({ code: 'text/tokenizer-class' })
})

test('tokens that only added_tokens.json or only tokenizer_config.json lists are known', async () => {
  const dir = copyOf(dream)
  const config = JSON.parse(readFileSync(join(dir, 'tokenizer_config.json'), 'utf8'))
  delete config.added_tokens_decoder['390']
  config.added_tokens_decoder['391'] = { content: '<new>', special: true }
  writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(config))
  expect((await loadTokenizer(dir, classes)).encode('<|mask|><new>')).toEqual([390, 391])
})

test.prop([fc.string({ unit: 'grapheme', maxLength: 40 })], { numRuns: 200 })(
  'byte-level text comes back, in NFC',
  async (text) => {
    const tokenizer = await dreamTokenizer
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.normalize('NFC'))
  },
)
const dreamTokenizer = loadTokenizer(dream, classes)

describe('bad files', () => {
  test.each<[string, string, string, (dir: string) => void]>([
    ['no tokenizer', 'text/no-tokenizer', dream, (dir) => rmSync(join(dir, 'vocab.json'))],
    [
      'merges without vocabulary of a known kind',
      'text/tokenizer-class',
      dream,
      (dir) => write(dir, 'tokenizer_config.json', '{"tokenizer_class": "CLIPTokenizer"}'),
    ],
    [
      'a merge of three tokens',
      'text/tokenizer',
      dream,
      (dir) => write(dir, 'merges.txt', '#version: 0.2\na b c'),
    ],
    ['tokenizer.json cut short', 'file/json', llava, (dir) => write(dir, 'tokenizer.json', '{"model"')],
    ['tokenizer.json without model', 'file/schema', llava, (dir) => write(dir, 'tokenizer.json', '{}')],
    [
      'a model of an unknown kind',
      'text/tokenizer',
      llava,
      (dir) => write(dir, 'tokenizer.json', JSON.stringify({ ...parts, model: { type: 'Magic' } })),
    ],
    ['a negative id', 'file/schema', dream, (dir) => write(dir, 'vocab.json', '{"a": -1}')],
    [
      'a negative id in tokenizer.json',
      'text/tokenizer',
      llava,
      (dir) => writeModel(dir, { vocab: { a: -1 } }),
    ],
    [
      'an id beyond all vocabularies',
      'text/tokenizer',
      llava,
      (dir) => writeModel(dir, { vocab: { a: 1e12 } }),
    ],
    ['a number for a vocabulary', 'text/tokenizer', llava, (dir) => writeModel(dir, { vocab: 5 })],
    [
      'an added id beyond all vocabularies',
      'file/schema',
      llava,
      (dir) => writeAdded(dir, { ...added, id: 1_866_000_000 }),
    ],
    [
      'an added id beyond all vocabularies in tokenizer_config.json',
      'text/tokenizer',
      llava,
      (dir) =>
        write(
          dir,
          'tokenizer_config.json',
          '{"added_tokens_decoder": {"1866000000": {"content": "<far>"}}, "tokenizer_class": "LlamaTokenizer"}',
        ),
    ],
    [
      'an added id beyond all vocabularies in added_tokens.json',
      'file/schema',
      dream,
      (dir) => write(dir, 'added_tokens.json', '{"<far>": 1866000000}'),
    ],
    [
      'a pre-tokenizer of an unknown kind',
      'text/tokenizer',
      llava,
      (dir) => writeParts(dir, { pre_tokenizer: { type: 'Magic' } }),
    ],
    [
      'a normalizer of an unknown kind',
      'text/tokenizer',
      llava,
      (dir) => writeParts(dir, { normalizer: { type: 'Magic' } }),
    ],
    [
      'an expression that JavaScript has no counterpart for',
      'text/tokenizer',
      llava,
      (dir) =>
        writeParts(dir, {
          pre_tokenizer: {
            type: 'Split',
            pattern: { Regex: '(?i)\\p{L}+' },
            behavior: 'Isolated',
            invert: false,
          },
        }),
    ],
    ['an empty vocabulary', 'text/tokenizer', llava, (dir) => writeModel(dir, { vocab: {} })],
    [
      'a score that is none',
      'text/tokenizer',
      llava,
      (dir) => writeModel(dir, { type: 'Unigram', unk_id: 0, vocab: [['a', '1']] }),
    ],
    ['no merges', 'text/tokenizer', llava, (dir) => writeModel(dir, { merges: null })],
    ['a merge without a space', 'text/tokenizer', llava, (dir) => writeModel(dir, { merges: ['ab'] })],
    [
      'a merge of other things than tokens',
      'text/tokenizer',
      llava,
      (dir) => writeModel(dir, { merges: [[1, 2]] }),
    ],
    [
      'a merge of tokens that are not there',
      'text/tokenizer',
      llava,
      (dir) => writeModel(dir, { merges: [['a', '☃']] }),
    ],
    ['merges.txt of another vocabulary', 'text/tokenizer', dream, (dir) => write(dir, 'merges.txt', 'a ☃')],
  ])('%s → %s', async (_, code, from, spoil) => {
    const dir = copyOf(from)
    spoil(dir)
    await expect(loadTokenizer(dir, classes)).rejects.toMatchObject({
      code,
      exitCode: 3,
      message: expect.stringContaining(dir),
    })
  })

  const parts = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
  }

  function writeModel(dir: string, keys: Record<string, unknown>): void {
    const json = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8'))
    write(dir, 'tokenizer.json', JSON.stringify({ ...json, model: { ...json.model, ...keys } }))
  }

  const added = {
    ...{ id: 0, content: '<far>', single_word: false, lstrip: false },
    ...{ rstrip: false, normalized: false, special: true },
  }

  function writeAdded(dir: string, token: object): void {
    const json = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8'))
    writeParts(dir, { added_tokens: [...json.added_tokens, token] })
  }

  function writeParts(dir: string, keys: Record<string, unknown>): void {
    const json = JSON.parse(readFileSync(join(dir, 'tokenizer.json'), 'utf8'))
    write(dir, 'tokenizer.json', JSON.stringify({ ...json, ...keys }))
  }

  function write(dir: string, name: string, content: string): void {
    writeFileSync(join(dir, name), content)
  }
})

test('added tokens of a text, without the words between', async () => {
  const tokenizer = await loadTokenizer(llava)
  expect(tokenizer.addedTokens('a <image> of <pad>')).toEqual([480, 481])
  expect(tokenizer.addedTokens('a cat')).toEqual([])
})
