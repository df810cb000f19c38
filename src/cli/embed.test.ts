/** @file `bifocal embed`: vectors as lines, as one object, and as files of every kind. */

import { readdirSync, readFileSync } from 'node:fs'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { buildCli, runCli } from '../../test/built-cli.ts'
import { type CliFiles, writeCliFiles } from '../../test/cli-files.ts'
import { runHere } from '../../test/command-line.ts'
import { loadSafetensors } from '../models/checkpoint/safetensors.ts'

let files: CliFiles
let model: string
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await buildCli()
}, 400_000)
afterAll(() => files.remove())

test('gives a vector a line, skips bad items with their reason', async () => {
  const { code, stdout, stderr } = await runCli([
    'embed',
    model,
    '--input',
    at('items.jsonl'),
    '--pool',
    'mean',
  ])
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => z.object({ index: z.int(), vector: z.array(z.number()) }).parse(JSON.parse(line)))
  expect(lines.map(({ index, vector }) => [index, vector.length])).toEqual([
    [0, 24],
    [1, 24],
  ])
  expect(Math.hypot(...lines[1]!.vector)).toBeCloseTo(1, 5)
  expect(stderr).toMatch(
    /item 4 was skipped \[file\/missing\][\s\S]*item 5 was skipped \[data\/line\].*txt[\s\S]*item 6 was skipped/,
  )
  expect(code).toBe(0)
})

test('with --json prints one object', async () => {
  const { stdout } = await runCli(['embed', model, '--input', '-', '--json', '--dims', '4'], {
    input: '{"text":"a cat"}\n{"text":""}\n',
  })
  expect(JSON.parse(stdout)).toMatchObject({
    dims: 4,
    usage: { items: 1, distinct: 1 },
    skipped: [{ line: 2, code: 'data/empty-item' }],
    vectors: [{ index: 0 }],
  })
})

test('writes the same vectors to every kind of file', async () => {
  const args = ['embed', model, '--text', 'a cat', '--image', at('red.png'), '--out']
  const out = (ending: string) => at(`out.${ending}`)
  for (const ending of ['safetensors', 'npy', 'jsonl'])
    expect((await runHere([...args, out(ending)])).code).toBe(0)
  const { vectors } = Object.fromEntries(await loadSafetensors(out('safetensors')))
  expect(vectors?.dims).toEqual([1, 24])
  const line = z.object({ vector: z.array(z.number()) }).parse(JSON.parse(readFileSync(out('jsonl'), 'utf8')))
  expect(line.vector).toEqual(Array.from(vectors!.data, Number))
  const npy = readFileSync(out('npy'))
  expect(npy.subarray(1, 6).toString()).toBe('NUMPY')
  const header = npy.readUInt16LE(8)
  expect(npy.subarray(10, 10 + header).toString()).toContain("'shape': (1, 24)")
  expect(
    new Float32Array(npy.buffer.slice(npy.byteOffset + 10 + header, npy.byteOffset + npy.length)),
  ).toEqual(vectors!.data)
})

test('reads a table and writes another; what was skipped is listed beside it', async () => {
  const out = at('table.parquet')
  const args = [
    'embed',
    model,
    '--input',
    at('items.csv'),
    '--columns',
    'text=caption,image=path',
    '--quantize',
    'int8',
    '--dims',
    '6',
  ]
  const { code, stdout, stderr } = await runHere([...args, '--out', out, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    dims: 6,
    usage: { items: 2 },
    skipped: [{ line: 4 }],
    skippedFile: `${out}.skipped.jsonl`,
  })
  expect(stderr).toMatch(/item 4 was skipped \[file\/missing\]/)
  expect(stderr).toMatch(/: 1 item was skipped/)
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(out) })
  expect(rows).toMatchObject([{ index: 0, scale: expect.any(Number) }, { index: 1 }])
  expect(rows[0]?.vector).toHaveLength(6)
  expect(readdirSync(files.root).filter((name) => name.endsWith('.journal'))).toEqual([])
})
