/**
 * @file Token ids equal to those of Python's tokenizers and transformers: for every normalizer,
 * pre-tokenizer, post-processor, model and kind of added token, and for the golden checkpoints.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
import { createTokenizer, loadTokenizer, type Tokenizer } from './tokenizer.ts'

const ids = z.array(z.array(z.number()))
const oracle = z
  .object({
    strings: z.array(z.string()),
    tokenizers: z.record(z.string(), z.object({ tokenizer: z.looseObject({}), ids })),
    classes: z.object({
      tokenizer: z.looseObject({}),
      cases: z.array(z.object({ config: z.record(z.string(), z.unknown()), class: z.string(), ids })),
    }),
  })
  .parse(fixture('tokenizers.json'))
const golden = z
  .object({ strings: z.array(z.string()), checkpoints: z.record(z.string(), ids) })
  .parse(fixture('golden-ids.json'))

function fixture(name: string): unknown {
  return JSON.parse(
    readFileSync(fileURLToPath(new URL(`../../../test/fixtures/text/${name}`, import.meta.url)), 'utf8'),
  )
}

/** All texts at once, so that a failure shows each that differs. */
function reading(tokenizer: Tokenizer, strings: readonly string[]): Record<string, number[]> {
  return Object.fromEntries(strings.map((text) => [text, tokenizer.encode(text)]))
}

function expected(strings: readonly string[], rows: readonly number[][]): Record<string, number[]> {
  return Object.fromEntries(strings.map((text, i) => [text, rows[i]!]))
}

test.each(Object.entries(oracle.tokenizers))('%s', (_, { tokenizer, ids: rows }) => {
  expect(reading(createTokenizer(tokenizer), oracle.strings)).toEqual(expected(oracle.strings, rows))
})

describe('settings of tokenizer_config.json that only some classes follow', () => {
  const root = mkdtempSync(join(tmpdir(), 'bifocal-classes-'))
  afterAll(() => rmSync(root, { recursive: true }))

  function folderOf(config: object): string {
    const dir = mkdtempSync(join(root, 'class-'))
    writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(oracle.classes.tokenizer))
    writeFileSync(join(dir, 'tokenizer_config.json'), JSON.stringify(config))
    return dir
  }

  test.each(oracle.classes.cases.map((at) => ({ ...at, name: JSON.stringify(at.config) })))(
    '$class: $name',
    async ({ config, ids: rows }) => {
      const tokenizer = await loadTokenizer(folderOf(config))
      expect(reading(tokenizer, oracle.strings)).toEqual(expected(oracle.strings, rows))
    },
  )

  test('the class of the model type, where no file names one', async () => {
    const { tokenizer_class: _, ...nameless } = oracle.classes.cases[0]!.config
    const dir = folderOf(nameless)
    writeFileSync(join(dir, 'config.json'), '{"model_type": "llava"}')
    expect((await loadTokenizer(dir)).encode('cat')[0]).toBe(1)
    writeFileSync(join(dir, 'config.json'), '{"model_type": "qwen2_vl"}')
    expect((await loadTokenizer(dir)).encode('cat')[0]).toBe(2)
  })
})

test.each(Object.keys(golden.checkpoints).filter(hasGolden))('golden checkpoint %s', async (name) => {
  const tokenizer = await loadTokenizer(join(goldenDir(name), 'checkpoint'), {
    // As their families say.
    classes: ['DreamTokenizer', 'DimpleTokenizer'],
  })
  expect(reading(tokenizer, golden.strings)).toEqual(expected(golden.strings, golden.checkpoints[name]!))
})
