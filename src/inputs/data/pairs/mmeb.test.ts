import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wholeFixtures } from '../../../../test/golden.ts'
import { openFile } from '../../../../test/pair-files.ts'
import { type KeyedItem, readItem } from '../item.ts'
import { withoutPlaceholder } from '../mmeb/placeholder.ts'
import { openAllPairs } from './open.ts'
import { dataSettings } from './settings.ts'

const fixture = join(wholeFixtures, 'bench-mmeb')
const prompts = z.object({
  qry: z.string().nullable(),
  pos: z.string().nullable(),
  neg: z.string().nullable(),
})
const schema = z.object({
  train: z.record(
    z.string(),
    z.object({
      splits: z.record(
        z.string(),
        z.object({
          rows: z.int(),
          empty_rows: z.array(z.int()),
          rows_with_negative: z.array(z.int()),
          prompts: z.record(z.string(), z.array(prompts)),
        }),
      ),
    }),
  ),
})

describe('a placeholder', () => {
  test.each([
    ['<|image_1|>\nFind a cat.\n', 1, '\nFind a cat.\n'],
    ['<|image_1|> Find a cat.', 1, 'Find a cat.'],
    ['\n<|image_1|>\nFind', 1, '\nFind'],
    ['Find a cat.\n', 0, 'Find a cat.\n'],
    ['<|image_1|>\nFind a cat.\n', 0, 'Find a cat.\n'],
    ['<|image_1|> Find', 0, 'Find'],
  ])('%j with %d pictures: %j', (text, pictures, expected) => {
    expect(withoutPlaceholder(text, pictures)).toBe(expected)
  })

  test.each([
    ['keep', '<|image_1|>\nFind'],
    ['token-only', '\nFind'],
  ] as const)('without a picture: %s', (stray, expected) => {
    expect(withoutPlaceholder('<|image_1|>\nFind', 0, stray)).toBe(expected)
  })

  test.each([
    ['Find', 1, /0 times the placeholder/],
    ['<|image_1|><|image_1|>Find', 1, /2 times the placeholder/],
    ['Find <|image_1|>', 1, /within the text/],
  ])('%j with %d pictures is refused', (text, pictures, message) => {
    expect(() => withoutPlaceholder(text, pictures)).toThrow(message)
  })
})

describe('MMEB-train', async () => {
  const read = async () =>
    schema.parse(JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8'))).train
  const expected = await read().catch(() => undefined)
  const cases = Object.entries(expected ?? {}).flatMap(([subset, { splits }]) =>
    Object.entries(splits).map(([split, own]) => ({ subset, split, ...own })),
  )

  test.skipIf(expected === undefined)('the fixture has subsets and splits', () => {
    expect(cases.length).toBeGreaterThan(4)
  })

  /** As the preset's template puts it: `{image} {instruction} {text}`. */
  const promptOf = (token: string, { text = '', image = [] }: KeyedItem) =>
    image.length === 0 ? text : `${token}${text.startsWith('\n') ? '' : ' '}${text}`

  test.each(cases)('$subset, $split: the texts and pictures of the reference', async (one) => {
    const source = await openFile(join(fixture, 'train', one.subset), { split: one.split })
    const rows = Array.from({ length: one.rows }, (_, i) => i).filter((i) => !one.empty_rows.includes(i))
    expect(source.rows).toBe(rows.length)
    expect(source.left.rows).toBe(one.empty_rows.length)
    const tokens = { 'vlm2vec-qwen2-vl': '<|image_pad|>', 'vlm2vec-llava-next': '<image>' }
    for (const [at, row] of rows.entries()) {
      const pair = await source.read(at)
      expect(pair.negatives.length > 0).toBe(one.rows_with_negative.includes(row))
      for (const [preset, token] of Object.entries(tokens)) {
        const wanted = one.prompts[preset]?.[row]
        if (wanted === undefined) continue
        expect(promptOf(token, pair.query)).toBe(wanted.qry)
        expect(promptOf(token, pair.target)).toBe(wanted.pos)
        expect(pair.negatives[0] === undefined ? null : promptOf(token, pair.negatives[0])).toBe(wanted.neg)
      }
      for (const item of [pair.query, pair.target]) {
        const { pictures } = await readItem(item)
        expect(pictures.length).toBe(item.image?.length ?? 0)
      }
    }
    await source.close()
  })

  test.skipIf(expected === undefined)('a folder gives a source for each subset', async () => {
    const opened = await openAllPairs([dataSettings.parse({ path: join(fixture, 'train'), weight: 2 })])
    expect(opened.map(({ source, weight }) => [source.name, weight])).toEqual(
      Object.keys(expected ?? {})
        .sort()
        .map((name) => [name, 2]),
    )
    for (const { source } of opened) await source.close()
    const settings = dataSettings.parse({ path: join(fixture, 'train'), subsets: ['CIR'] })
    await expect(openAllPairs([settings])).rejects.toThrow(/no subset CIR; its subsets are A-OKVQA, CIRR/)
    const other = openFile(join(fixture, 'train', 'CIRR'), { split: 'test', format: 'mmeb' })
    await expect(other).rejects.toThrow(/its splits are diverse_instruction, original/)
  })
})
