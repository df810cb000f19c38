/**
 * @file A disk that is full from any write of a training on: the error says so, and the same call
 * goes on once there is room.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { plainTraining } from '../../../test/plain-training.ts'
import { snapshotPath } from './snapshot.ts'

/** Writes that the disk takes before it is full, and those it was asked for. */
const disk = vi.hoisted(() => ({ takes: Number.POSITIVE_INFINITY, asked: 0 }))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const take = () => {
    if (++disk.asked > disk.takes) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
  }
  return {
    ...real,
    open: async (...given: Parameters<typeof real.open>) => {
      const file = await real.open(...given)
      const write = file.write.bind(file)
      return Object.assign(file, {
        write: async (...bytes: Parameters<typeof file.write>) => {
          take()
          return await write(...bytes)
        },
      })
    },
    appendFile: async (path: string, text: string) => {
      try {
        take()
      } catch (error) {
        // The end of the disk is somewhere in the line.
        await real.appendFile(path, text.slice(0, text.length / 2))
        throw error
      }
      await real.appendFile(path, text)
    },
  }
})

let root: string
let end: { log: string; last: string }
let writes: number
const run = () => {
  const dir = mkdtempSync(join(root, 'run-'))
  const files = (steps: number) => ({
    log: readFileSync(join(dir, 'log.jsonl'), 'utf8'),
    last: readFileSync(snapshotPath(join(dir, 'snapshots'), steps)).toString('hex'),
  })
  return { dir, files }
}
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-full-'))
  const { dir, files } = run()
  disk.asked = 0
  const { steps } = await plainTraining({ dir })
  writes = disk.asked
  end = files(steps)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a training writes often', () => {
  expect(writes).toBeGreaterThan(50)
})

test.prop([fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })], { numRuns: 10 })(
  'is told as such, and nothing is lost',
  async (share) => {
    const { dir, files } = run()
    disk.asked = 0
    disk.takes = Math.floor(share * writes)
    const warnings: string[] = []
    const stopped = await plainTraining({ dir, warn: (text) => warnings.push(text) }).catch(
      (error: unknown) => error,
    )
    disk.takes = Number.POSITIVE_INFINITY
    expect(stopped).toMatchObject({ code: 'file/disk-full' })
    const { steps } = await plainTraining({ dir })
    expect(files(steps)).toEqual(end)
  },
)
