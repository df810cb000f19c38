import { availableParallelism } from 'node:os'
import { afterEach, expect, test, vi } from 'vitest'
import { defaultThreads } from './threads.ts'

afterEach(() => void vi.unstubAllEnvs())

test.each([
  ['3', 3],
  ['', availableParallelism()],
])('BIFOCAL_THREADS=%s', (given, threads) => {
  vi.stubEnv('BIFOCAL_THREADS', given)
  expect(defaultThreads()).toBe(threads)
})

test.each(['0', 'two', '1.5', '-1'])('BIFOCAL_THREADS=%s is refused', (given) => {
  vi.stubEnv('BIFOCAL_THREADS', given)
  expect(defaultThreads).toThrow(expect.objectContaining({ code: 'runtime/threads', exitCode: 2 }))
})
