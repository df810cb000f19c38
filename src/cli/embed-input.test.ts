/** @file `bifocal embed --input`: columns that are used, the line that counts, blank texts. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { runHere } from '../../test/command-line.ts'
import { table } from '../../test/items.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'

let root: string
let model: string
let tower: string
const at = (name: string) => join(root, name)

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-input-'))
  ;({ ar: model, tower } = await writeRandomTwins(root))
  await sharp({ create: { width: 48, height: 48, channels: 3, background: 'red' } })
    .png()
    .toFile(at('red.png'))
  writeFileSync(at('items.csv'), 'id,caption,image,rank\n1,a cat,red.png,3\n2,a dog,red.png,4\n')
  writeFileSync(at('mixed.jsonl'), '{"text":"a cat","image":"red.png"}\n{"text":"a dog"}\n{"text":"a cow"}\n')
  writeFileSync(at('blank.jsonl'), '{"text":"a cat"}\n{"text":""}\n{"text":"  "}\n')
}, 400_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const vectorsOf = (stdout: string) =>
  z
    .object({ vectors: z.array(z.object({ id: z.string().optional(), vector: z.array(z.number()) })) })
    .parse(JSON.parse(stdout)).vectors

test('--columns text=caption embeds the text alone, also where a column is called image', async () => {
  const args = ['embed', model, '--json']
  const named = await runHere([...args, '--input', at('items.csv'), '--columns', 'text=caption'])
  const alone = await runHere([...args, '--text', 'a cat'])
  expect(vectorsOf(named.stdout)[0]!.vector).toBeAllClose(vectorsOf(alone.stdout)[0]!.vector, { atol: 1e-6 })
  expect(vectorsOf(named.stdout)[0]!.id).toBeUndefined()
  expect(named.stderr).toContain('2 items: text\n')
  expect(named.stderr.match(/the columns id, image, rank are not used/g)).toHaveLength(1)
  expect(named.stderr).toMatch(/hint: .*--columns/)
})

test('the line that counts says what was embedded', async () => {
  const columns = 'id=id,text=caption,image=image'
  const both = await runHere(['embed', model, '--input', at('items.csv'), '--columns', columns])
  expect(both.stderr).toContain('2 items: text + picture\n')
  expect(both.stdout).toMatch(/"id":"1"/)
  const mixed = await runHere(['embed', model, '--input', at('mixed.jsonl'), '--json'])
  expect(mixed.stderr).toContain('3 items: 1 text + picture, 2 text\n')
  expect(JSON.parse(mixed.stdout)).toMatchObject({ content: { 'text + picture': 1, text: 2 } })
})

test('blank texts are skipped, or embedded where the tokenizer has tokens for them', async () => {
  const args = ['embed', tower, '--input', at('blank.jsonl'), '--json']
  const refused = await runHere(args)
  expect(JSON.parse(refused.stdout).skipped).toMatchObject([
    { line: 2, code: 'data/empty-item', hint: expect.stringContaining('--blank embed') },
    { line: 3, code: 'data/empty-item' },
  ])
  const embedded = await runHere([...args, '--blank', 'embed'])
  const [cat, none, spaces] = vectorsOf(embedded.stdout)
  expect(spaces!.vector).toHaveLength(cat!.vector.length)
  expect(none!.vector).not.toEqual(cat!.vector)
  expect(embedded.stderr).toContain('3 items: text\n')
})

test.each([
  ['parquet-lying-rows.parquet', /data\/table.*row group 3/],
  ['parquet-unhandled.parquet', /data\/table.*row group 2, column image\.path/],
])('%s is refused before a model is opened', async (name, says) => {
  const { code, stderr } = await runHere(['embed', model, '--input', table(name)])
  expect(code).toBe(2)
  expect(stderr).toMatch(says)
})

test('flags of tables without a table are refused', async () => {
  for (const flag of [
    ['--delimiter', ';'],
    ['--quote', 'none'],
    ['--columns', 'text=a'],
  ]) {
    const { code, stderr } = await runHere(['embed', model, '--text', 'a', ...flag])
    expect(code).toBe(2)
    expect(stderr).toContain(`${flag[0]} without --input`)
  }
  const twice = await runHere(['embed', model, '--input', at('items.csv'), '--columns', 'text=a,text=b'])
  expect(twice.stderr).toContain('each at most once')
})
