/** @file `--shard auto` reads the index that a scheduler gives. */

import { expect, test } from 'vitest'
import { shardOf } from './shard.ts'

test.each([
  ['0-3', ['0', '1', '2', '3'], '0'],
  ['1-4', ['1', '2', '3', '4'], '1'],
  ['7-10', ['7', '8', '9', '10'], '7'],
])('the tasks of the Slurm array %s are the shards 1 to 4', (_, ids, least) => {
  const shards = ids.map((id) => shardOf('auto/4', { SLURM_ARRAY_TASK_ID: id, SLURM_ARRAY_TASK_MIN: least }))
  expect(shards).toEqual([1, 2, 3, 4].map((index) => ({ index, of: 4 })))
})

test('a task of Slurm beyond the shards is refused', () => {
  const env = { SLURM_ARRAY_TASK_ID: '4', SLURM_ARRAY_TASK_MIN: '0' }
  expect(() => shardOf('auto/4', env)).toThrow('number 5, expected 1 to 4')
})

test('without a scheduler auto is refused', () => {
  expect(() => shardOf('auto/4', {})).toThrow('neither JOB_COMPLETION_INDEX nor SLURM_ARRAY_TASK_ID')
})
