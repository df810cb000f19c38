import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { itemsOfText } from '../../../test/item-lines.ts'
import { shipped, shippedData } from '../../foundation/files/shipped.ts'
import type { Item } from '../../inputs/data/item.ts'
import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { draw } from '../../inputs/scenes/draw.ts'
import { PICTURE } from '../../inputs/scenes/scene.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import { readContract } from './contract.ts'
import { embedFile } from './embed-file.ts'
import { Embedder } from './embedder.ts'
import { verifyContract } from './golden/contract.ts'
import { recordGolden } from './golden/record.ts'
import { measurePrecision } from './precision.ts'
import type { LoadOptions } from './subject.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-precision-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Reference fixtures of every family, whose checkpoints are models that load. */
const families = [
  'clip',
  'idefics3',
  'lavida-dream',
  'lavida-llada',
  'llava',
  'llava-next',
  'llava-onevision',
  'mmada',
  'qwen2-vl',
  'qwen2.5-vl',
  'qwen3-vl',
  'siglip',
  'siglip2',
  'smolvlm',
]

test.each(families)(
  'the fixture %s: texts, pictures and both stay near their vectors in f32',
  async (name) => {
    const [f16, int8] = await measurePrecision(join(goldenDir(name), 'checkpoint'), { rounds: 1 })
    expect(f16).toMatchObject({
      dtype: 'f16',
      cosine: { image: { items: 3 }, both: { items: expect.any(Number) } },
    })
    expect(f16!.cosine.all.min).toBeGreaterThan(0.9999)
    // Random weights 32 to 64 wide, where little averages out; bench/int8.ts holds 0.995 at the
    // width of a real model.
    expect(int8!.cosine.all.min).toBeGreaterThan(0.98)
    // Not the vectors of f32 under another name.
    expect(int8!.cosine.all.min).toBeLessThan(1 - 1e-7)
  },
)

test.each(['tower', 'twin-diffusion'])(
  '%s, int8: vectors of its own pictures and captions stay near',
  async (name) => {
    const world = await loadWorld(shippedData(), 'small')
    const sheets = await loadSheets(shippedData(), [...world.training, ...world.heldOut])
    const pairs = Array.from({ length: 12 }, (_, i) => captionPair(world, 3, i, 'test'))
    const items: Item[] = [
      ...pairs.map(({ description }) => ({
        image: { width: PICTURE, height: PICTURE, data: draw(description, sheets) },
      })),
      ...pairs.map(({ caption }) => ({ text: caption })),
    ]
    const [, int8] = await measurePrecision(shipped(name), { items, rounds: 1 })
    expect(int8!.cosine.given).toMatchObject({ items: 24 })
    expect(int8!.cosine.all.mean).toBeGreaterThan(0.995)
  },
)

test('no items are told', async () => {
  await expect(measurePrecision(shipped('twin-ar'), { items: [] })).rejects.toMatchObject({
    code: 'usage/empty-input',
    exitCode: 2,
  })
})

test('items that no model takes are told', async () => {
  const items = [{ text: 'keys '.repeat(400) }]
  await expect(measurePrecision(shipped('twin-ar'), { items })).rejects.toMatchObject({
    code: 'embedder/no-sample',
  })
})

test('a contract keeps its dtype: vectors recorded in int8 are verified in int8', async () => {
  const dir = join(root, 'contract')
  await recordGolden(shipped('twin-ar'), [{ text: 'a cat' }], dir, { dtype: 'int8' })
  expect((await readContract(dir))?.contract.dtype).toBe('int8')
  expect((await verifyContract(dir)).failure).toBeUndefined()
})

test('vectors of another precision than the recorded ones: one sentence says that precisions differ', async () => {
  const dir = join(root, 'other-precision')
  await recordGolden(shipped('twin-ar'), [{ text: 'a cat' }, { text: 'two keys' }], dir)
  const { failure, stages, expected, compared } = await verifyContract(dir, { dtype: 'int8' })
  expect(failure).toEqual({
    case: '',
    stage: 'precision',
    detail: expect.stringMatching(
      /^the kept vectors were recorded in f32 and these were made in int8: precisions differ, and so do vectors \(the least cosine between them is 0\.99\d\d\); .*--precision$/,
    ),
  })
  expect({ stages: stages.length, expected, compared }).toEqual({ stages: 1, expected: 1, compared: 1 })
})

describe('vectors of one precision are not those of another', () => {
  const model = shipped('twin-ar')
  const fingerprint = async (options: LoadOptions) => {
    const embedder = await Embedder.load(model, options)
    try {
      return await embedder.fingerprint()
    } finally {
      await embedder.close()
    }
  }

  test('each has its own fingerprint; what is the default anyway changes nothing', async () => {
    const [f32, f16, int8] = [
      await fingerprint({ dtype: 'f32' }),
      await fingerprint({ dtype: 'f16' }),
      await fingerprint({ dtype: 'int8' }),
    ]
    expect(new Set([f32, f16, int8]).size).toBe(3)
    expect(await fingerprint({})).toBe(f32)
    expect(await fingerprint({ device: 'cpu', adapterMode: 'live' })).toBe(f32)
    expect(await fingerprint({ device: 'webgpu' })).not.toBe(f32)
  })

  test('a run that was stopped in f32 does not go on in int8', async () => {
    const out = join(root, 'vectors.jsonl')
    const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ text: `a cat and ${i} keys` }))
    const embedTo = async (dtype: LoadOptions['dtype'], stopAt: number) => {
      const embedder = await Embedder.load(model, { dtype, tokenBudget: 64 })
      const stop = new AbortController()
      const onProgress = ({ done }: { done: number }) => (done > stopAt ? stop.abort() : undefined)
      try {
        return await embedFile(embedder, itemsOfText(lines.join('\n'), 'items', '.'), {
          out,
          signal: stop.signal,
          onProgress,
        })
      } finally {
        await embedder.close()
      }
    }
    await expect(embedTo('f32', 4)).rejects.toMatchObject({ code: 'interrupted' })
    const kept = readFileSync(`${out}.journal`)
    await expect(embedTo('int8', 100)).rejects.toMatchObject({ code: 'embedder/other-run' })
    expect(readFileSync(`${out}.journal`)).toEqual(kept)
    expect((await embedTo('f32', 100)).rows.items).toBe(40)
  })
})
