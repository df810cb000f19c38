/**
 * @file The reference's prompts and token ids: from test/fixtures/text, and from every golden
 * fixture whose expansion is plain repetition.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir } from '../../../test/golden.ts'
import { loadChatTemplate } from './chat-template.ts'
import { loadTokenizer, type Tokenizer } from './tokenizer.ts'

const part = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image') }),
])
const message = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part)]),
})
const fixture = z.object({
  cases: z.array(
    z.object({
      name: z.string(),
      items: z.array(z.object({ prompt: z.string(), messages: z.array(message).optional() })),
      options: z.object({ dropTokenAfterImage: z.boolean().optional() }).optional(),
      expect: z.object({
        input_ids: z.array(z.array(z.number())).optional(),
        attention_mask: z.array(z.array(z.number())).optional(),
      }),
    }),
  ),
})
type Case = z.infer<typeof fixture>['cases'][number]

function casesOf(dir: string): Case[] {
  return fixture.parse(JSON.parse(readFileSync(join(dir, 'cases.json'), 'utf8'))).cases
}

const shipped = fileURLToPath(new URL('../../../test/fixtures/text', import.meta.url))

/**
 * Folders of the named fixtures: what ships with the repository, and the golden ones that are on
 * this machine.
 */
function foldersOf(names: readonly string[]): { name: string; dir: string }[] {
  const golden = names.map((name) => ({ name, dir: goldenDir(name) }))
  return [...['llava', 'lavida-dream'].map((name) => ({ name, dir: join(shipped, name) })), ...golden]
}

/** Repetitions of the image token as one. */
function collapse(ids: readonly number[], image: number | undefined): number[] {
  return ids.filter((id, i) => id !== image || ids[i - 1] !== image)
}

/**
 * The expected row and the reference's row, reduced to the part that plain tokenisation decides.
 */
type Reading = (row: {
  expected: number[]
  mask: number[] | undefined
  prompt: string
  at: Case
  tokenizer: Tokenizer
}) => [number[], number[]]

const repeated =
  (image: string): Reading =>
  ({ expected, mask, prompt, tokenizer }) => {
    const real = expected.filter((_, i) => mask?.[i] !== 0)
    return [
      collapse(tokenizer.encode(prompt), tokenizer.tokenId(image)),
      collapse(real, tokenizer.tokenId(image)),
    ]
  }

/** Dual encoders pad at the right, and cut so that the end token stays. */
const padded: Reading = ({ expected, prompt, tokenizer }) => {
  const ids = tokenizer.encode(prompt)
  if (ids.length > expected.length) ids.splice(expected.length - 1, ids.length - expected.length)
  return [
    [...ids, ...new Array<number>(expected.length - ids.length).fill(tokenizer.special.pad ?? -1)],
    expected,
  ]
}

/**
 * -200 stands for an image. Where the prompt begins with bos, the reference's inference loses the
 * token after it (specs/lavida.md §5.2).
 */
const spliced: Reading = ({ expected, prompt, at, tokenizer }) => {
  const [first = [], ...rest] = prompt.split('<image>').map((chunk) => tokenizer.encode(chunk))
  const lost = at.options?.dropTokenAfterImage === true && first[0] === tokenizer.special.bos ? 1 : 0
  return [[...first, ...rest.flatMap((chunk) => [-200, ...chunk.slice(lost)])], expected]
}

/** Image codes stand between <|soi|> and <|eoi|>, before the text. */
const behindCodes: Reading = ({ expected, mask, prompt, tokenizer }) => {
  const real = expected.filter((_, i) => mask?.[i] !== 0)
  return [tokenizer.encode(prompt), real.slice(real.lastIndexOf(tokenizer.tokenId('<|eoi|>') ?? -1) + 1)]
}

const readings: Record<string, Reading> = {
  llava: repeated('<image>'),
  'llava-next': repeated('<image>'),
  'llava-onevision': repeated('<image>'),
  'qwen2-vl': repeated('<|image_pad|>'),
  'qwen2.5-vl': repeated('<|image_pad|>'),
  'qwen3-vl': repeated('<|image_pad|>'),
  clip: padded,
  siglip: padded,
  siglip2: padded,
  'lavida-llada': spliced,
  'lavida-dream': spliced,
  mmada: behindCodes,
}

test.each(foldersOf(Object.keys(readings)))('$name: prompts → input_ids ($dir)', async ({ name, dir }) => {
  const tokenizer = await loadTokenizer(join(dir, 'checkpoint'), { classes: ['DreamTokenizer'] })
  let rows = 0
  for (const at of casesOf(dir)) {
    for (const [i, expected] of (at.expect.input_ids ?? []).entries()) {
      const [got, wanted] = readings[name]!({
        expected,
        mask: at.expect.attention_mask?.[i],
        prompt: at.items[i]!.prompt,
        at,
        tokenizer,
      })
      expect(got, `${at.name}, row ${i}`).toEqual(wanted)
      rows++
    }
  }
  expect(rows).toBeGreaterThan(1)
})

const withMessages = [
  ...['llava', 'llava-next', 'llava-onevision', 'qwen2-vl', 'qwen2.5-vl', 'qwen3-vl', 'idefics3', 'smolvlm'],
  ...['lavida-llada', 'lavida-dream', 'mmada'],
]

test.each(foldersOf(withMessages))('$name: messages → prompt ($dir)', async ({ dir }) => {
  const template = await loadChatTemplate(join(dir, 'checkpoint'))
  let rendered = 0
  for (const { items } of casesOf(dir)) {
    for (const { messages, prompt } of items) {
      if (messages === undefined) continue
      expect(template?.render(messages)).toBe(prompt)
      rendered++
    }
  }
  expect(rendered).toBeGreaterThan(0)
})
