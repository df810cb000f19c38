/**
 * @file Checkpoint folders: one file, shards, links, and all the ways in which they are incomplete.
 */

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  copyOf,
  shards,
  tensors,
  writeCheckpointFolders,
  writeIndex,
} from '../../../test/checkpoint-folders.ts'
import { goldenDir } from '../../../test/golden.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { hashCheckpoint, openCheckpoint } from './folder.ts'
import { writeSafetensors } from './safetensors.ts'

const { root, single, sharded } = await writeCheckpointFolders()
afterAll(() => rmSync(root, { recursive: true }))

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
