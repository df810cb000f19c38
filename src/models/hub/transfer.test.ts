/** @file Downloads that break off, are cut, or are refused for a while. */

import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { failureOf, type HubClient, NEEDED, SHARD, startHubClient } from '../../../test/hub-client.ts'
import { type Fault, sha256 } from '../../../test/hub-server.ts'
import type { DownloadProgress } from './progress.ts'

let hub: HubClient
beforeEach(async () => {
  hub = await startHubClient()
})
afterEach(() => hub.close())

test('a cut connection is taken up where it broke', async () => {
  hub.server.faults.push({ on: new RegExp(`GET /cdn/${sha256(hub.bytesOf(SHARD))}`), cutAfter: 100_000 })
  await hub.pull()
  const ranges = hub.server.requests
    .filter(({ line }) => line.endsWith(sha256(hub.bytesOf(SHARD))))
    .map(({ range }) => range)
  expect(ranges).toHaveLength(2)
  expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0)
})

test('a connection that falls silent counts as cut', async () => {
  hub.settings.silence = 2_500
  hub.settings.attempts = 6
  hub.server.faults.push({ on: /GET \/cdn/, stallAfter: 50_000 })
  await hub.pull()
  expect(hub.server.requests.some(({ range }) => range !== undefined)).toBe(true)
})

test('a server without ranges starts again, and the file is right', async () => {
  const on = new RegExp(`GET /cdn/${sha256(hub.bytesOf(SHARD))}`)
  hub.server.faults.push({ on, cutAfter: 100_000 }, { on, ignoreRange: true })
  const { folder } = await hub.pull()
  expect(hub.isServed(folder, SHARD)).toBe(true)
})

test('Ctrl-C keeps the part, and the next run goes on with it', async () => {
  const stop = new AbortController()
  hub.server.faults.push({ on: /GET \/cdn/, stallAfter: 150_000, times: 2 })
  const onProgress = ({ done }: DownloadProgress) => done > 200_000 && stop.abort()
  expect(await failureOf(hub.pull('acme/tiny', { signal: stop.signal, onProgress }))).toMatchObject({
    code: 'interrupted',
    exitCode: 130,
  })
  const kept = statSync(hub.partial()).size
  expect(kept).toBeGreaterThan(0)
  expect(existsSync(join(hub.settings.cache, 'models--acme--tiny/refs/main'))).toBe(false)
  hub.server.requests.length = 0
  await hub.pull()
  expect(hub.server.requests.map(({ range }) => range)).toContain(`bytes=${kept}-`)
})

test("Python's unfinished file is taken up", async () => {
  mkdirSync(hub.blobs(), { recursive: true })
  writeFileSync(hub.partial(), hub.bytesOf(SHARD).subarray(0, 1000))
  await hub.pull()
  expect(hub.server.requests.map(({ range }) => range)).toContain('bytes=1000-')
})

test('a damaged part costs a second download, not an error', async () => {
  mkdirSync(hub.blobs(), { recursive: true })
  writeFileSync(hub.partial(), new Uint8Array(1000).fill(7))
  const { folder } = await hub.pull()
  expect(hub.isServed(folder, SHARD)).toBe(true)
})

test.each<[string, Fault]>([
  ['429 with Retry-After', { on: /GET \/api/, status: 429, headers: { 'retry-after': '0' } }],
  [
    '429 with a date',
    { on: /GET \/api/, status: 429, headers: { 'retry-after': new Date(0).toUTCString() } },
  ],
  ['503 of the hub', { on: /GET \/acme/, status: 503, times: 2 }],
  ['500 of the storage', { on: /GET \/cdn/, status: 500, times: 2 }],
  ['a cut list', { on: /GET \/api/, status: 504 }],
])('%s is asked again', async (_, fault) => {
  hub.server.faults.push(fault)
  expect((await hub.pull()).files).toHaveLength(NEEDED.length)
  expect(fault.times).toBe(0)
})

test('Retry-After is waited for', async () => {
  hub.server.faults.push({ on: /GET \/api/, status: 429, headers: { 'retry-after': '1' } })
  const start = performance.now()
  await hub.pull()
  expect(performance.now() - start).toBeGreaterThan(950)
})
