/** @file Which weight files of a folder are the model's, where it holds others too. */

import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import {
  copyOf,
  shards,
  tensors,
  writeCheckpointFolders,
  writeIndex,
} from '../../../test/checkpoint-folders.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { openCheckpoint } from './folder.ts'
import { writeSafetensors } from './safetensors.ts'

const { root, single, sharded } = await writeCheckpointFolders()
afterAll(() => rmSync(root, { recursive: true }))

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
