/**
 * @file Checkpoint folders: one file, shards, links, and all the ways in which they are incomplete.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { hashCheckpoint, openCheckpoint } from './folder.ts'
import { writeSafetensors } from './safetensors.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-folder-'))
afterAll(() => rmSync(root, { recursive: true }))

const tensors = { a: f32([2], [1, 2]), b: f32([1, 1], [3]) }
const single = join(root, 'single')
const sharded = join(root, 'sharded')
const shards: Record<string, string> = {
  a: 'model-00001-of-00002.safetensors',
  b: 'model-00002-of-00002.safetensors',
}

beforeAll(async () => {
  for (const dir of [single, sharded]) {
    mkdirSync(dir)
    writeFileSync(join(dir, 'config.json'), '{"model_type": "llava"}')
  }
  await writeSafetensors(join(single, 'model.safetensors'), tensors)
  await writeSafetensors(join(sharded, shards.a!), { a: tensors.a })
  await writeSafetensors(join(sharded, shards.b!), { b: tensors.b })
  writeIndex(sharded, shards)
})

function writeIndex(dir: string, map: Record<string, string>, stem = 'model'): void {
  writeFileSync(
    join(dir, `${stem}.safetensors.index.json`),
    JSON.stringify({ metadata: { total_size: 12 }, weight_map: map }),
  )
}

/** A copy to spoil. */
function copyOf(dir: string): string {
  const copy = mkdtempSync(join(root, 'copy-'))
  cpSync(dir, copy, { recursive: true })
  return copy
}

test('one file and shards give the same tensors and the same hash', async () => {
  const [one, many] = [await openCheckpoint(single), await openCheckpoint(sharded)]
  expect(one.config).toEqual({ model_type: 'llava' })
  expect(one.generationConfig).toBeUndefined()
  expect(many.files).toHaveLength(2)
  for (const checkpoint of [one, many]) {
    expect(await checkpoint.read('a')).toEqual(tensors.a)
    expect(await checkpoint.read('b')).toEqual(tensors.b)
  }
  expect(await hashCheckpoint(many)).toBe(await hashCheckpoint(one))
})

test.each<[string, (dir: string) => void | Promise<void>]>([
  [
    'a weight',
    (dir) => writeSafetensors(join(dir, 'model.safetensors'), { ...tensors, a: f32([2], [1, 2.0000002]) }),
  ],
  [
    'a shape',
    (dir) => writeSafetensors(join(dir, 'model.safetensors'), { ...tensors, a: f32([2, 1], [1, 2]) }),
  ],
  ['a name', (dir) => writeSafetensors(join(dir, 'model.safetensors'), { c: tensors.a, b: tensors.b })],
  ['the tokenizer', (dir) => writeFileSync(join(dir, 'tokenizer.json'), '{}')],
  ['the config', (dir) => writeFileSync(join(dir, 'config.json'), '{"model_type": "llava" }')],
])('the hash changes with %s', async (_, spoil) => {
  const dir = copyOf(single)
  await spoil(dir)
  expect(await hashCheckpoint(await openCheckpoint(dir))).not.toBe(
    await hashCheckpoint(await openCheckpoint(single)),
  )
})

test('links are followed, a weight file of the name that was asked for is read, an adapter beside it is not', async () => {
  const dir = mkdtempSync(join(root, 'links-'))
  symlinkSync(join(single, 'config.json'), join(dir, 'config.json'))
  symlinkSync(join(single, 'model.safetensors'), join(dir, 'pytorch_model.safetensors'))
  await writeSafetensors(join(dir, 'adapter_model.safetensors'), { c: tensors.a })
  writeFileSync(join(dir, 'generation_config.json'), '{"eos_token_id": 2}')
  const checkpoint = await openCheckpoint(dir, { otherwise: 'pytorch_model.safetensors' })
  expect([...checkpoint.tensors.keys()].sort()).toEqual(['a', 'b'])
  expect(checkpoint.generationConfig).toEqual({ eos_token_id: 2 })
})

describe('weight files beside those of the model', () => {
  const other = { a: f32([2], [7, 7]), b: f32([1, 1], [7]) }
  const consolidated = 'consolidated-00001-of-00001.safetensors'

  test.each<[string, string, string, (dir: string) => void | Promise<void>]>([
    [
      'an index that comes first in the alphabet',
      sharded,
      'model.safetensors.index.json',
      async (dir) => {
        await writeSafetensors(join(dir, consolidated), other)
        writeIndex(dir, { a: consolidated, b: consolidated }, 'consolidated')
      },
    ],
    [
      'an index of another precision',
      sharded,
      'model.safetensors.index.json',
      async (dir) => {
        await writeSafetensors(join(dir, 'model.fp16-00001-of-00001.safetensors'), other)
        const map = Object.fromEntries(
          Object.keys(other).map((name) => [name, 'model.fp16-00001-of-00001.safetensors']),
        )
        writeIndex(dir, map, 'model.fp16')
      },
    ],
    [
      'a file of another precision',
      single,
      'model.safetensors',
      (dir) => writeSafetensors(join(dir, 'model.fp16.safetensors'), other),
    ],
    // transformers 4.57.6 reads the single file where a folder has both.
    [
      'an index beside the single file',
      single,
      'model.safetensors',
      async (dir) => {
        await writeSafetensors(join(dir, shards.a!), other)
        writeIndex(dir, { a: shards.a!, b: shards.a! })
      },
    ],
  ])('%s is not read', async (_, from, read, add) => {
    const dir = copyOf(from)
    await add(dir)
    const checkpoint = await openCheckpoint(dir)
    expect(await checkpoint.read('a')).toEqual(tensors.a)
    expect(checkpoint.weights).toBe(join(dir, read))
  })

  test.each([
    ['model.fp16.safetensors', 'checkpoint/no-weights'],
    ['consolidated.safetensors', 'checkpoint/no-weights'],
  ])('%s alone is refused, and the hint says how to ask for it', async (name, code) => {
    const dir = copyOf(single)
    renameSync(join(dir, 'model.safetensors'), join(dir, name))
    await expect(openCheckpoint(dir)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(name),
      hint: expect.stringContaining(`"transformers_weights": "${name}"`),
    })
  })

  test.each([
    ['a file', 'model.fp16.safetensors', async (dir: string) => await writeSafetensors(dir, other)],
    [
      'an index',
      'other.safetensors.index.json',
      async (path: string) => {
        await writeSafetensors(join(dirname(path), 'shard.safetensors'), other)
        writeIndex(dirname(path), { a: 'shard.safetensors', b: 'shard.safetensors' }, 'other')
      },
    ],
  ])('config.json may ask for %s, as for transformers', async (_, name, write) => {
    const dir = copyOf(single)
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ transformers_weights: name }))
    await write(join(dir, name))
    expect(await (await openCheckpoint(dir)).read('a')).toEqual(other.a)
  })

  test('an index that does not fit is named in the error, not its folder alone', async () => {
    const dir = copyOf(sharded)
    writeIndex(dir, { a: shards.b!, b: shards.a! })
    await expect(openCheckpoint(dir)).rejects.toMatchObject({
      message: expect.stringContaining('model.safetensors.index.json promises'),
    })
  })
})

describe('a folder without config.json says where one is', () => {
  test.each<[string, (dir: string) => void, string]>([
    ['a checkpoint below', (dir) => cpSync(single, join(dir, 'step-500'), { recursive: true }), 'step-500'],
    [
      'an adapter below, saved under a name',
      (dir) => {
        mkdirSync(join(dir, 'vision'))
        writeFileSync(join(dir, 'vision', 'adapter_config.json'), '{}')
      },
      'vision',
    ],
    [
      'an adapter that names no base',
      (dir) => writeFileSync(join(dir, 'adapter_config.json'), '{}'),
      '--adapter',
    ],
    ['nothing', () => {}, 'the one that holds config.json'],
  ])('%s', async (_, fill, hint) => {
    const dir = mkdtempSync(join(root, 'above-'))
    fill(dir)
    await expect(openCheckpoint(dir)).rejects.toMatchObject({
      code: 'checkpoint/no-config',
      hint: expect.stringContaining(hint),
    })
  })
})

describe('bad folders', () => {
  test.each<[string, string, string, (dir: string) => void | Promise<void>]>([
    ['an absent folder', 'checkpoint/no-folder', single, (dir) => rmSync(dir, { recursive: true })],
    ['no config.json', 'checkpoint/no-config', single, (dir) => rmSync(join(dir, 'config.json'))],
    [
      'a config.json cut short',
      'file/json',
      single,
      (dir) => writeFileSync(join(dir, 'config.json'), '{"model_type"'),
    ],
    [
      'a config.json that is a list',
      'file/schema',
      single,
      (dir) => writeFileSync(join(dir, 'config.json'), '[]'),
    ],
    ['no weights', 'checkpoint/no-weights', single, (dir) => rmSync(join(dir, 'model.safetensors'))],
    [
      'shards without index',
      'checkpoint/ambiguous-weights',
      sharded,
      (dir) => rmSync(join(dir, 'model.safetensors.index.json')),
    ],
    [
      'a config that asks for a weight file of another folder',
      'checkpoint/index',
      single,
      (dir) => writeFileSync(join(dir, 'config.json'), '{"transformers_weights": "../model.safetensors"}'),
    ],
    [
      'a config that asks for an absent weight file',
      'checkpoint/no-shard',
      single,
      (dir) => writeFileSync(join(dir, 'config.json'), '{"transformers_weights": "other.safetensors"}'),
    ],
    ['a missing shard', 'checkpoint/no-shard', sharded, (dir) => rmSync(join(dir, shards.b!))],
    ['a shard that is a broken link', 'checkpoint/no-shard', sharded, breakLink],
    [
      'a tensor that only the index has',
      'checkpoint/index',
      sharded,
      (dir) => writeIndex(dir, { ...shards, c: shards.a! }),
    ],
    [
      'an index that names the wrong shard',
      'checkpoint/index',
      sharded,
      (dir) => writeIndex(dir, { a: shards.b!, b: shards.a! }),
    ],
    [
      'an index that leaves the folder',
      'checkpoint/index',
      sharded,
      (dir) => writeIndex(dir, { ...shards, a: '../single/model.safetensors' }),
    ],
    [
      'an index without map',
      'file/schema',
      sharded,
      (dir) => writeFileSync(join(dir, 'model.safetensors.index.json'), '{}'),
    ],
    [
      'a tensor in two shards',
      'checkpoint/duplicate-tensor',
      sharded,
      (dir) => writeSafetensors(join(dir, shards.b!), tensors),
    ],
  ])('%s → %s', async (_, code, from, spoil) => {
    const dir = copyOf(from)
    await spoil(dir)
    await expect(openCheckpoint(dir)).rejects.toMatchObject({
      code,
      exitCode: 3,
      message: expect.stringContaining(dir),
    })
  })

  function breakLink(dir: string): void {
    rmSync(join(dir, shards.b!))
    symlinkSync(join(dir, 'nowhere'), join(dir, shards.b!))
  }
})

const published = [
  'llava',
  'llava-onevision',
  'siglip',
  'siglip2',
  'clip',
  'lavida-llada',
  'lavida-dream',
  'qwen2-vl',
  'mmada',
  'smolvlm',
]
test.each(published)('opens the published layout of %s', async (name) => {
  const checkpoint = await openCheckpoint(join(goldenDir(name), 'checkpoint'))
  for (const [key, { dims }] of checkpoint.tensors) {
    const value = await checkpoint.read(key)
    expect(value.dims).toEqual(dims)
    if (value.dtype !== 'i64') expect(toF32(value).data.every(Number.isFinite), key).toBe(true)
  }
  expect(existsSync(checkpoint.files[0]!)).toBe(true)
})
