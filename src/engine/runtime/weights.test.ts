import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readWeight, type WeightLocation } from './weights.ts'

const root = mkdtempSync(join(tmpdir(), 'bifocal-weights-'))
afterAll(() => rmSync(root, { recursive: true }))

/** A weight [2] f32 behind four other bytes. */
function located(name: string, bytes: ArrayLike<number> | undefined): WeightLocation {
  const file = join(root, name)
  if (bytes !== undefined) writeFileSync(file, Uint8Array.from(bytes))
  return { kind: 'file', file, offset: 4, byteLength: 8, dtype: 'f32', dims: [2] }
}

describe('a weight in a file', () => {
  const bytes = [9, 9, 9, 9, ...new Uint8Array(new Float32Array([1.5, -2]).buffer)]

  test('is read where it lies', async () =>
    expect(await readWeight(located('whole', bytes))).toEqual({
      dtype: 'f32',
      dims: [2],
      data: new Float32Array([1.5, -2]),
    }))

  test.each([
    ['that ends before it does', bytes.slice(0, 10), 'runtime/weights', /ends after 6 of 8 bytes/],
    ['that is gone', undefined, 'file/missing', /does not exist/],
  ])('%s is refused, with the path', async (name, content, code, message) => {
    await expect(readWeight(located(name, content))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })
})
