/** @file `bifocal embed --shard` and `merge-runs`: parts of a list, merged to the bytes of one. */

import { cpSync, existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliFiles, writeCliFiles } from '../../test/cli-files.ts'
import { runHere } from '../../test/command-line.ts'

let files: CliFiles
const at = (name: string) => files.at(name)

/** Two chunks for three parts: names, texts that come again, pictures of which two are bad. */
function items(): string {
  const lines = Array.from({ length: 290 }, (_, i) => ({ id: `n${i}`, text: `a cat ${i % 270}` }))
  const others = [
    { id: 'red', image: 'red.png' },
    { id: 'absent', image: 'absent.png' },
    { id: 'cut', image: 'truncated.png', text: 'a picture' },
    { id: 'odd', txt: 'a dog' },
  ]
  const all = [...others.slice(0, 2), ...lines, ...others.slice(2)]
  return all.map((one) => JSON.stringify(one)).join('\n')
}

async function part(index: number, of: number, more: readonly string[] = [], out = `${index}-of-${of}`) {
  const list = ['--input', at('list.jsonl'), '--out', at(out), '--threads', '1']
  return await runHere(['embed', files.model, ...list, '--shard', `${index}/${of}`, ...more])
}

const merge = async (folders: readonly string[], out: string) =>
  await runHere(['merge-runs', ...folders.map(at), '--out', at(out)])

beforeAll(async () => {
  files = await writeCliFiles()
  writeFileSync(at('list.jsonl'), items())
  for (const of of [1, 3])
    for (let index = 1; index <= of; index++) expect((await part(index, of)).code).toBe(0)
}, 60_000)
afterAll(() => files.remove())

test.each(['safetensors', 'npy', 'parquet', 'jsonl'])(
  'parts are merged to the bytes of one machine: .%s',
  async (format) => {
    const one = await merge(['1-of-1'], `one.${format}`)
    const three = await merge(['2-of-3', '3-of-3', '1-of-3'], `three.${format}`)
    expect([one.code, three.code]).toEqual([0, 0])
    expect(three.stdout).toContain('291 vectors of 24 elements')
    expect(readFileSync(at(`three.${format}`)).equals(readFileSync(at(`one.${format}`)))).toBe(true)
    const skipped = readFileSync(at(`three.${format}.skipped.jsonl`), 'utf8')
    expect(skipped).toBe(readFileSync(at(`one.${format}.skipped.jsonl`), 'utf8'))
    expect(skipped.match(/"line":\d+/g)).toEqual(['"line":2', '"line":293', '"line":294'])
  },
)

test('merged vectors are those of embed without shards, up to rounding', async () => {
  const list = ['embed', files.model, '--input', at('list.jsonl'), '--threads', '1']
  await runHere([...list, '--out', at('plain.jsonl')])
  await merge(['1-of-1'], 'merged.jsonl')
  const rows = (name: string) =>
    readFileSync(at(name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  const [plain, merged] = [rows('plain.jsonl'), rows('merged.jsonl')]
  const named = (all: typeof plain) => all.map(({ index, id }) => ({ index, id }))
  expect(named(merged)).toEqual(named(plain))
  expect(merged.flatMap(({ vector }) => vector)).toBeAllClose(
    plain.flatMap(({ vector }) => vector),
    { atol: 1e-6 },
  )
})

test('a part keeps leading elements and fewer bits for the merge', async () => {
  const small = ['--dims', '8', '--quantize', 'int8']
  writeFileSync(at('list.jsonl'), items().split('\n').slice(0, 5).join('\n'))
  await part(1, 2, small, 'small-1')
  await part(2, 2, small, 'small-2')
  writeFileSync(at('list.jsonl'), items())
  expect((await merge(['small-1', 'small-2'], 'small.jsonl')).stdout).toContain('4 vectors of 8 elements')
  expect(JSON.parse(readFileSync(at('small.jsonl'), 'utf8').split('\n')[0]!)).toMatchObject({
    id: 'red',
    scale: expect.any(Number),
  })
})

test('a damaged part is refused; run again, it computes what is missing, to the same bytes', async () => {
  const vectors = at('1-of-3/vectors')
  const names = readdirSync(vectors, { recursive: true, encoding: 'utf8' })
  truncateSync(join(vectors, names.find((name) => name.endsWith('.safetensors'))!), 100)
  const refused = await merge(['1-of-3', '2-of-3', '3-of-3'], 'mended.npy')
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('1-of-3, part 1 of 3, lacks') })
  expect(existsSync(at('mended.npy'))).toBe(false)
  expect((await part(1, 3)).stdout).toContain('shard 1 of 3')
  await merge(['1-of-3', '2-of-3', '3-of-3'], 'mended.npy')
  await merge(['1-of-1'], 'whole.npy')
  expect(readFileSync(at('mended.npy')).equals(readFileSync(at('whole.npy')))).toBe(true)
})

test('a part whose part.json is damaged is refused; started again, it keeps its vectors', async () => {
  cpSync(at('3-of-3'), at('cut'), { recursive: true })
  truncateSync(at('cut/part.json'), 40)
  const refused = await merge(['1-of-3', '2-of-3', 'cut'], 'cut.npy')
  expect(refused.stderr).toMatch(/embedder\/shard\]: .*part.json is damaged.*\n.*--shard i\/n` again/)
  expect((await part(3, 3, [], 'cut')).code).toBe(0)
  expect(readFileSync(at('cut/part.json'))).toEqual(readFileSync(at('3-of-3/part.json')))
})

test('a merge finds the damage of all chunks, so that the part can be mended at once', async () => {
  cpSync(at('1-of-1'), at('chunks'), { recursive: true })
  const names = readdirSync(at('chunks/vectors'), { recursive: true, encoding: 'utf8' })
  const stored = names.filter((name) => name.endsWith('.safetensors'))
  expect(stored).toHaveLength(2)
  for (const name of stored) truncateSync(join(at('chunks/vectors'), name), 100)
  const { stderr } = await merge(['chunks'], 'chunks.npy')
  expect(stderr).toContain('part 1 of 1, lacks 271 vectors')
  const lists = readdirSync(at('chunks/vectors'), { recursive: true, encoding: 'utf8' })
  expect(lists.filter((name) => name.endsWith('.jsonl'))).toEqual([])
})

test('a list of nothing but bad items is a failure of each part, as of embed', async () => {
  writeFileSync(at('bad.jsonl'), '{"image":"absent.png"}\n')
  const list = ['--input', at('bad.jsonl'), '--shard', '1/2', '--out', at('bad-1')]
  expect((await runHere(['embed', files.model, ...list])).code).toBe(3)
})

test.each([
  ['a missing one', ['1-of-3', '3-of-3'], 'embedder/missing-shard', 'of 3 parts, 2 is missing'],
  ['one twice', ['1-of-3', '2-of-3', '2-of-3'], 'embedder/shard-twice', 'are both part 2 of 3'],
  ['one of another number', ['1-of-3', '1-of-1'], 'embedder/foreign-shard', 'one of 1 parts, not of 3'],
  ['one that is not there', ['1-of-3', 'nowhere'], 'embedder/shard', 'nowhere is no finished part'],
])('%s is refused', async (_, folders, code, words) => {
  const { code: exit, stderr } = await merge(folders, 'refused.npy')
  expect(exit).toBe(2)
  expect(stderr).toContain(code)
  expect(stderr).toContain(words)
})

test('another model and other items are refused and named', async () => {
  writeFileSync(at('list.jsonl'), items().replace('a cat 7"', 'a dog 7"'))
  await part(2, 3, [], 'other-items')
  writeFileSync(at('list.jsonl'), items())
  const items3 = await merge(['1-of-3', 'other-items', '3-of-3'], 'no.npy')
  expect(items3.stderr).toMatch(
    /foreign-shard\]: .*other-items does not belong to .*1-of-3: .*another item in line 10/,
  )
  await part(2, 3, ['--pool', 'mean'], 'other-model')
  const models = await merge(['1-of-3', 'other-model', '3-of-3'], 'no.npy')
  expect(models.stderr).toMatch(/foreign-shard\]: .*other-model does not belong to .*other settings/)
})

test.each([
  ['the folder of another part', () => part(2, 3, [], '1-of-3'), 'embedder/other-run'],
  ['the name of a file', () => part(1, 3, [], 'part.npy'), 'embedder/output'],
  ['more elements than the vectors have', () => part(1, 3, ['--dims', '25'], 'wide'), 'embedder/dims'],
  ['a bad line where all have to be good', () => part(1, 3, ['--strict'], 'strict'), 'file/missing'],
  [
    'no list',
    () => runHere(['embed', files.model, '--text', 'a', '--shard', '1/2', '--out', at('x')]),
    'without --input',
  ],
  ['a merge over the rows of a part', () => merge(['1-of-3'], '1-of-3/rows.jsonl'), 'embedder/output'],
])('%s is refused', async (_, run, words) => {
  const { code, stderr } = await run()
  expect(code).toBeGreaterThan(1)
  expect(stderr).toContain(words)
})
