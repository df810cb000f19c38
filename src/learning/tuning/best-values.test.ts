/** @file The best values so far come back as they were saved, or not at all. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { BestValues } from './best-values.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-best-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'best.safetensors')

test('values come back as they were saved', async () => {
  const live = { weight: f32([2], [1, 2]) }
  const best = new BestValues(path, 'run', live)
  await best.save(3)
  live.weight.data.fill(0)
  await best.restore(3)
  expect([...live.weight.data]).toEqual([1, 2])
})

test('a file with a changed byte is refused, and the values stay', async () => {
  const live = { weight: f32([2], [1, 2]) }
  const best = new BestValues(path, 'run', live)
  await best.save(3)
  const bytes = readFileSync(path)
  bytes[bytes.length - 2]! ^= 1
  writeFileSync(path, bytes)
  await expect(best.restore(3)).rejects.toMatchObject({
    code: 'tuning/best',
    message: expect.stringContaining('not those that were written'),
  })
  expect([...live.weight.data]).toEqual([1, 2])
})
