/**
 * @file Checkpoint folders: one file, shards, links, and all the ways in which they are incomplete.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../test/golden.ts'
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

function writeIndex(dir: string, map: Record<string, string>): void {
  writeFileSync(
    join(dir, 'model.safetensors.index.json'),
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

test('links are followed, a weight file of another name is found, an adapter beside it is not taken for weights', async () => {
  const dir = mkdtempSync(join(root, 'links-'))
  symlinkSync(join(single, 'config.json'), join(dir, 'config.json'))
  symlinkSync(join(single, 'model.safetensors'), join(dir, 'pytorch_model.safetensors'))
  await writeSafetensors(join(dir, 'adapter_model.safetensors'), { c: tensors.a })
  writeFileSync(join(dir, 'generation_config.json'), '{"eos_token_id": 2}')
  const checkpoint = await openCheckpoint(dir)
  expect([...checkpoint.tensors.keys()].sort()).toEqual(['a', 'b'])
  expect(checkpoint.generationConfig).toEqual({ eos_token_id: 2 })
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
test.each(published.filter((name) => hasGolden(name)))('opens the published layout of %s', async (name) => {
  const checkpoint = await openCheckpoint(join(goldenDir(name), 'checkpoint'))
  for (const [key, { dims }] of checkpoint.tensors) {
    const value = await checkpoint.read(key)
    expect(value.dims).toEqual(dims)
    if (value.dtype !== 'i64') expect(toF32(value).data.every(Number.isFinite), key).toBe(true)
  }
  expect(existsSync(checkpoint.files[0]!)).toBe(true)
})
