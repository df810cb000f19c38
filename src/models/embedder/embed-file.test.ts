import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { itemsOfText } from '../../../test/item-lines.ts'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { type ItemSource, openItems } from '../../inputs/data/source.ts'
import { loadSafetensors } from '../checkpoint/safetensors.ts'
import { embedFile, embedSource } from './embed-file.ts'
import { Embedder } from './embedder.ts'
import type { LoadOptions } from './subject.ts'
import { VectorJournal } from './vectors/journal.ts'

let root: string
let model: string
const at = (name: string) => join(root, name)
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-embed-file-'))
  model = (await writeRandomTwins(root)).ar
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function withEmbedder<T>(
  use: (embedder: Embedder) => Promise<T>,
  options: LoadOptions = {},
): Promise<T> {
  const embedder = await Embedder.load(model, { tokenBudget: 64, ...options })
  try {
    return await use(embedder)
  } finally {
    await embedder.close()
  }
}

const texts = Array.from(
  { length: 60 },
  (_, i) => `a cat and ${i % 50} keys ${'on a red background '.repeat((i % 50) % 4)}`,
)
const source = (count = texts.length): ItemSource =>
  itemsOfText(
    texts
      .slice(0, count)
      .map((text) => JSON.stringify({ text }))
      .join('\n'),
    'items',
    '.',
  )

/** A run that is stopped after the first batches; the ten repeats count as done at once. */
async function interrupted(out: string, count?: number): Promise<void> {
  const stop = new AbortController()
  const onProgress = ({ done }: { done: number }) => {
    if (done > 20) stop.abort()
  }
  await expect(
    withEmbedder((embedder) => embedFile(embedder, source(count), { out, signal: stop.signal, onProgress })),
  ).rejects.toMatchObject({ code: 'interrupted' })
}

const journalOf = { fingerprint: 'a', readouts: ['vector'] }
const vectorsOf = async (out: string) => (await loadSafetensors(out)).get('vectors')!

describe('an interrupted run', () => {
  test('keeps its vectors, goes on with them, and ends with the same file', async () => {
    const [whole, out] = [at('whole.safetensors'), at('resumed.safetensors')]
    await withEmbedder((embedder) => embedFile(embedder, source(), { out: whole }))
    await interrupted(out)
    expect(existsSync(out)).toBe(false)
    let kept = 0
    const seen: number[] = []
    const { usage } = await withEmbedder((embedder) =>
      embedFile(embedder, source(), {
        out,
        onResume: (count) => {
          kept = count
        },
        onProgress: ({ done }) => seen.push(done),
      }),
    )
    expect(kept).toBeGreaterThan(8)
    expect(kept).toBeLessThan(50)
    expect(usage).toMatchObject({ items: 60, distinct: 50 })
    expect(seen.at(-1)).toBe(60)
    expect(toF32(await vectorsOf(out)).data).toBeAllClose(toF32(await vectorsOf(whole)).data, { atol: 2e-6 })
    expect(existsSync(`${out}.journal`)).toBe(false)
  })

  test('goes on over a record that was half written or overwritten', async () => {
    const out = at('torn.safetensors')
    await interrupted(out)
    const { size } = statSync(`${out}.journal`)
    truncateSync(`${out}.journal`, size - 50)
    appendFileSync(`${out}.journal`, Buffer.alloc(500, 7))
    await withEmbedder((embedder) => embedFile(embedder, source(), { out }))
    expect(toF32(await vectorsOf(out)).data).toBeAllClose(
      toF32(await vectorsOf(at('whole.safetensors'))).data,
      { atol: 2e-6 },
    )
  })

  test('goes on with more items and other dims, not with another model', async () => {
    const out = at('more.safetensors')
    await interrupted(out, 40)
    const other = withEmbedder((embedder) => embedFile(embedder, source(), { out }), {
      readout: { pool: 'mean' },
    })
    await expect(other).rejects.toMatchObject({
      code: 'embedder/other-run',
      hint: expect.stringContaining('delete the file'),
    })
    await withEmbedder((embedder) => embedFile(embedder, source(), { out, dims: 5, quantize: 'int8' }))
    expect(await vectorsOf(out)).toMatchObject({ dtype: 'i8', dims: [60, 5] })
  })

  test('goes on with an embedder that has further readouts, not with one that has others', async () => {
    const out = at('several.safetensors')
    const readout = (pool: 'mean' | 'last') => ({ other: { layer: 0, norm: 'before', pool } }) as const
    const run = (options: LoadOptions, more: object = {}) =>
      withEmbedder((embedder) => embedFile(embedder, source(), { out, ...more }), options)
    const stop = new AbortController()
    const onProgress = ({ done }: { done: number }) => done > 20 && stop.abort()
    const several = { readouts: readout('mean') }
    await expect(run(several, { signal: stop.signal, onProgress })).rejects.toMatchObject({
      code: 'interrupted',
    })
    await expect(run({ readouts: readout('last') })).rejects.toMatchObject({ code: 'embedder/other-run' })
    let kept = 0
    await run(several, { onResume: (count: number) => (kept = count) })
    expect(kept).toBeGreaterThan(8)
    expect(toF32(await vectorsOf(out)).data).toBeAllClose(
      toF32(await vectorsOf(at('whole.safetensors'))).data,
      { atol: 2e-6 },
    )
  })

  test('keeps a second run of the same file away, until it ends', async () => {
    const out = at('shared.safetensors')
    const journal = await VectorJournal.open(`${out}.journal`, journalOf)
    const refused = {
      code: 'file/in-use',
      exitCode: 2,
      message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
    }
    await expect(withEmbedder((embedder) => embedFile(embedder, source(2), { out }))).rejects.toMatchObject(
      refused,
    )
    await journal.close()
    await withEmbedder((embedder) => embedFile(embedder, source(2), { out }))
    expect(readdirSync(root).filter((name) => name.startsWith('shared'))).toEqual(['shared.safetensors'])
  })

  test('that was killed leaves no lock that counts', async () => {
    const out = at('killed.safetensors')
    await interrupted(out)
    // No process has so high a number.
    writeFileSync(`${out}.journal.lock`, `4194305 ${hostname()} 0`)
    await withEmbedder((embedder) => embedFile(embedder, source(), { out }))
    expect(readdirSync(root).filter((name) => name.startsWith('killed'))).toEqual(['killed.safetensors'])
  })

  test('that had not begun leaves nothing', async () => {
    const out = at('begun.safetensors')
    const signal = AbortSignal.abort()
    await expect(
      withEmbedder((embedder) => embedFile(embedder, source(), { out, signal })),
    ).rejects.toMatchObject({ code: 'interrupted' })
    expect(existsSync(`${out}.journal`)).toBe(false)
  })
})

describe('bad items', () => {
  const mixed =
    '{"id":"x","text":"a cat"}\n{"txt":"?"}\n{"id":"z","image":"none.png"}\n\n{"id":"y","text":"a dog"}\n'
  const broken = () => itemsOfText(mixed, 'mixed.jsonl', root)

  test('are listed beside the file, and the list goes when they do', async () => {
    const out = at('skipping.jsonl')
    const made = await withEmbedder((embedder) => embedFile(embedder, broken(), { out, badItems: 'skip' }))
    expect(made.rows).toMatchObject({ kept: [0, 3], ids: ['x', 'y'], items: 4 })
    const listed = readFileSync(made.skippedFile!, 'utf8').trimEnd().split('\n')
    expect(listed.map((line) => JSON.parse(line))).toMatchObject([
      { line: 2, code: 'data/line', hint: expect.any(String) },
      { line: 3, id: 'z', code: 'file/missing', message: expect.stringContaining('none.png') },
    ])
    await withEmbedder((embedder) => embedFile(embedder, source(2), { out, badItems: 'skip' }))
    expect(existsSync(`${out}.skipped.jsonl`)).toBe(false)
  })

  const good = '{"text":"a cat"}'
  const bad = {
    'data/line': '{"txt":"?"}',
    'file/missing': '{"image":"none.png"}',
    'family/too-long': JSON.stringify({ text: 'keys '.repeat(400) }),
    'data/empty-item': '{"text":" "}',
  }
  const codes = ['data/line', 'file/missing', 'family/too-long', 'data/empty-item'] as const
  const pairs = codes.flatMap((first) =>
    codes.filter((second) => second !== first).map((second) => [first, second] as const),
  )
  test.each(pairs)(
    'end a strict run at the first in the order of the source: %s before %s',
    async (code, later) => {
      const lines = itemsOfText([good, bad[code], bad[later], good].join('\n'), 'mixed.jsonl', root)
      const run = withEmbedder((embedder) => embedSource(embedder, lines))
      await expect(run).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/^mixed\.jsonl, line 2: /),
        hint: expect.any(String),
      })
    },
  )
})

test.each([
  ['the items', 'items.jsonl', 'items.jsonl'],
  ['the list of skipped items that a run removes', 'v.npy.skipped.jsonl', 'v.npy'],
])('is not written over %s', async (_, input, out) => {
  writeFileSync(at(input), '{"text":"a cat"}\n')
  const run = withEmbedder(async (embedder) =>
    embedFile(embedder, await openItems(at(input)), { out: at(out) }),
  )
  await expect(run).rejects.toMatchObject({ code: 'embedder/output', exitCode: 2 })
  expect(readFileSync(at(input), 'utf8')).toBe('{"text":"a cat"}\n')
  rmSync(at(input))
})

test("is not written into the model's folder, nor under the name of a folder", async () => {
  mkdirSync(at('folder.npy'))
  const weights = join(model, 'model.safetensors')
  const { ino, mtimeMs } = statSync(weights)
  await withEmbedder(async (embedder) => {
    for (const out of [weights, at('folder.npy')]) {
      await expect(embedFile(embedder, source(1), { out })).rejects.toMatchObject({ code: 'embedder/output' })
    }
  })
  expect(statSync(weights)).toMatchObject({ ino, mtimeMs })
})

test('an instruction for the items that bring none', async () => {
  const lines = (instruction: string) =>
    itemsOfText(`{"text":"a cat","instruction":${JSON.stringify(instruction)}}`, 'items', '.')
  await withEmbedder(async (embedder) => {
    const own = await embedSource(embedder, lines('Find'), { instruction: 'Other' })
    const given = await embedSource(embedder, lines(''), { instruction: 'Find' })
    const none = await embedSource(embedder, lines(''))
    expect(own.rows.vectors.data).not.toBeAllClose(none.rows.vectors.data, { atol: 1e-3 })
    expect(given.rows.vectors.data).toBeAllClose(own.rows.vectors.data, { atol: 2e-6 })
  })
})

test('a journal that is no journal is refused, a short one started anew', async () => {
  writeFileSync(at('x.journal'), 'x'.repeat(1000))
  await expect(VectorJournal.open(at('x.journal'), journalOf)).rejects.toMatchObject({
    code: 'embedder/other-run',
  })
  writeFileSync(at('y.journal'), '{"format"')
  const journal = await VectorJournal.open(at('y.journal'), journalOf)
  const key = 'ab'.repeat(32)
  await journal.put([{ key, vectors: [Float32Array.of(1, 2)] }])
  await journal.close()
  const again = await VectorJournal.open(at('y.journal'), journalOf)
  expect(await again.get(key)).toEqual([Float32Array.of(1, 2)])
  expect(await again.get('cd'.repeat(32))).toBeUndefined()
  await again.remove()
})
