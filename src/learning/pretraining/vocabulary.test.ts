import { beforeAll, describe, expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { loadWorld, type World } from '../../inputs/scenes/world.ts'
import type { TokenizerJson } from '../../inputs/text/byte-level.ts'
import { parseChatTemplate } from '../../inputs/text/chat-template.ts'
import { createTokenizer, type Tokenizer } from '../../inputs/text/tokenizer.ts'
import { VOCABULARY } from './recipe.ts'
import { CHAT_TEMPLATE, FIRST_SPECIAL, SPECIAL_IDS, SPECIAL_TOKENS, trainVocabulary } from './vocabulary.ts'

const DATA = shippedData()
/** Few, so that the test is quick; enough to fill the vocabulary. */
const SAMPLES = 4000

let world: World
let json: TokenizerJson
let tokenizer: Tokenizer

beforeAll(async () => {
  world = await loadWorld(DATA, 'small')
  json = trainVocabulary(world, 1, SAMPLES)
  tokenizer = createTokenizer(json)
}, 120_000)

describe('the vocabulary', () => {
  test('has exactly its size, special ids at the end', () => {
    expect(tokenizer.size).toBe(VOCABULARY)
    expect(json.added_tokens).toHaveLength(VOCABULARY - FIRST_SPECIAL)
    expect(
      Object.keys(json.model.vocab).filter((token) => json.model.vocab[token]! >= FIRST_SPECIAL),
    ).toEqual([])
  })

  // Distances from the first special id, as in LLaDA (126080) and MMaDA's use of it.
  test.each([
    [SPECIAL_TOKENS.bos, 126080 - 126080],
    [SPECIAL_TOKENS.eos, 126081 - 126080],
    ['[gMASK]', 126083 - 126080],
    [SPECIAL_TOKENS.mask, 126336 - 126080],
    ['<|eot_id|>', 126348 - 126080],
  ])('%s stands at slot %i', (token, slot) => {
    expect(tokenizer.tokenId(token)).toBe(FIRST_SPECIAL + slot)
  })

  test('reads back what it writes', () => {
    const text = 'a big dog above 3 red keys, on a teal background: naïve façade №7'
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  })

  test('gives frequent words one id', () => {
    expect(tokenizer.encode(' background')).toHaveLength(1)
    expect(tokenizer.encode(' left')).toHaveLength(1)
  })

  test('names no held-out concept as a token of its own', () => {
    const tokens = new Set(Object.keys(json.model.vocab).map((token) => token.replace('Ġ', '').toLowerCase()))
    const long = world.heldOut
      .map(({ label }) => label)
      .filter((label) => !label.includes(' ') && label.length > 6)
    expect(long.length).toBeGreaterThan(5)
    expect(long.filter((label) => tokens.has(label))).toEqual([])
  })
})

describe('the chat template', () => {
  const template = parseChatTemplate(CHAT_TEMPLATE)
  const expected = '<|startoftext|><image>\nWhat is this?<|eot_id|>'

  test('takes parts (LLaVA) and text (LaViDa) alike', () => {
    const parts = template.render([
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'What is this?' }] },
    ])
    expect(parts).toBe(expected)
    expect(template.render([{ role: 'user', content: '<image>\nWhat is this?' }])).toBe(expected)
  })

  test('leaves a system message out', () => {
    const messages = [
      { role: 'system' as const, content: 'Be kind.' },
      { role: 'user' as const, content: '<image>\nWhat is this?' },
    ]
    expect(template.render(messages)).toBe(expected)
  })

  test('ends an answer with the end token', () => {
    const messages = [
      { role: 'user' as const, content: 'Hello' },
      { role: 'assistant' as const, content: 'a key' },
    ]
    const ids = tokenizer.encode(template.render(messages))
    expect([ids[0], ids.at(-1)]).toEqual([SPECIAL_IDS.bos, SPECIAL_IDS.eos])
    expect(ids).toContain(SPECIAL_IDS.endOfTurn)
  })
})
