/** @file Pulls that succeed: the cache that they leave, progress, the token. */

import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { failureOf, type HubClient, NEEDED, SHARD, startHubClient } from '../../../test/hub-client.ts'
import { COMMIT, OLDER } from '../../../test/hub-models.ts'
import { GOOD_TOKEN, gitBlob, sha256 } from '../../../test/hub-server.ts'
import type { DownloadProgress } from './progress.ts'

let hub: HubClient
beforeEach(async () => {
  hub = await startHubClient()
})
afterEach(() => hub.close())

describe('the cache', () => {
  test('has the layout of huggingface_hub: relative links to blobs named by checksum', async () => {
    const { folder, commit, files } = await hub.pull()
    expect(commit).toBe(COMMIT)
    expect(folder).toBe(join(hub.settings.cache, `models--acme--tiny/snapshots/${COMMIT}`))
    expect(readdirSync(folder).sort()).toEqual(NEEDED)
    expect(files.map(({ name }) => name).sort()).toEqual(NEEDED)
    expect(readlinkSync(join(folder, SHARD))).toBe(`../../blobs/${sha256(hub.bytesOf(SHARD))}`)
    expect(readlinkSync(join(folder, 'config.json'))).toBe(
      `../../blobs/${gitBlob(hub.bytesOf('config.json'))}`,
    )
    expect(readFileSync(join(hub.settings.cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(COMMIT)
    expect(NEEDED.filter((name) => !hub.isServed(folder, name))).toEqual([])
    expect(readdirSync(hub.blobs()).filter((name) => name.includes('.'))).toEqual([])
    expect(readdirSync(join(hub.settings.cache, '.locks/models--acme--tiny'))).toEqual([])
    expect(existsSync(join(hub.settings.cache, 'models--acme--tiny/.no_exist', COMMIT, 'merges.txt'))).toBe(
      true,
    )
  })

  test('is not fetched twice, and says what was fetched', async () => {
    expect((await hub.pull()).files.every(({ fetched }) => fetched)).toBe(true)
    hub.server.requests.length = 0
    const again = await hub.pull()
    expect(again.files.some(({ fetched }) => fetched)).toBe(false)
    expect(hub.contents()).toEqual([])
  })

  test('a new commit fetches only what changed', async () => {
    await hub.pull()
    const { files } = hub.server.repositories['acme/tiny']!
    const commit = 'c'.repeat(40)
    hub.server.repositories['acme/tiny'] = {
      refs: { main: commit },
      files: { ...files, 'config.json': new TextEncoder().encode('{}') },
    }
    const { folder, files: pulled } = await hub.pull()
    expect(pulled.filter(({ fetched }) => fetched).map(({ name }) => name)).toEqual(['config.json'])
    expect(folder.endsWith(commit)).toBe(true)
    expect(readFileSync(join(hub.settings.cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(commit)
  })

  test('a truncated blob is fetched again', async () => {
    const { folder } = await hub.pull()
    writeFileSync(join(hub.blobs(), sha256(hub.bytesOf(SHARD))), 'short')
    await hub.pull()
    expect(hub.isServed(folder, SHARD)).toBe(true)
  })

  test('two pulls at once fetch each file once', async () => {
    await Promise.all([hub.pull(), hub.pull()])
    expect(hub.contents()).toHaveLength(NEEDED.length)
  })

  test.each([
    ['acme/tiny@refs/pr/1', COMMIT, 'refs/refs/pr/1'],
    ['acme/tiny@v1', OLDER, 'refs/v1'],
    [`acme/tiny@${OLDER}`, OLDER, undefined],
  ])('revision %s', async (name, commit, reference) => {
    expect((await hub.pull(name)).folder.endsWith(commit)).toBe(true)
    const references = join(hub.settings.cache, 'models--acme--tiny')
    if (reference === undefined) expect(existsSync(join(references, 'refs'))).toBe(false)
    else expect(readFileSync(join(references, reference), 'utf8')).toBe(commit)
  })

  test('a list without sizes and checksums is completed from headers', async () => {
    hub.server.terse = true
    const { folder } = await hub.pull()
    expect(readlinkSync(join(folder, SHARD))).toBe(`../../blobs/${sha256(hub.bytesOf(SHARD))}`)
    expect(readlinkSync(join(folder, 'config.json'))).toBe(
      `../../blobs/${gitBlob(hub.bytesOf('config.json'))}`,
    )
  })

  test('--include takes other files, never pickled ones', async () => {
    const { files } = await hub.pull('acme/tiny', { include: ['onnx/*', '*.bin', 'READ??.md'] })
    expect(files.map(({ name }) => name).sort()).toEqual(['README.md', 'onnx/model.safetensors'])
    expect(await failureOf(hub.pull('acme/tiny', { include: ['*.bin'] }))).toMatchObject({
      code: 'hub/no-match',
      exitCode: 2,
    })
  })

  test('a file name that leaves the folder is never written', async () => {
    const { refs, files } = hub.server.repositories['acme/tiny']!
    const evil = {
      '../../../evil.json': files['config.json']!,
      '/evil.json': files['config.json']!,
      'a\\..\\evil.json': files['config.json']!,
    }
    hub.server.repositories['acme/tiny'] = { refs, files: { ...files, ...evil } }
    expect(
      (await hub.pull('acme/tiny', { include: ['*evil*', 'config.json'] })).files.map(({ name }) => name),
    ).toEqual(['config.json'])
  })
})

describe('progress', () => {
  test('counts bytes of all files up to the total', async () => {
    const seen: DownloadProgress[] = []
    await hub.pull('acme/tiny', { onProgress: (at) => seen.push(at) })
    const total = NEEDED.reduce((sum, name) => sum + hub.bytesOf(name).length, 0)
    expect(seen.at(-1)).toMatchObject({ repository: 'acme/tiny', done: total, total })
    expect(seen.length).toBeGreaterThan(NEEDED.length)
    expect(seen.every(({ done }, i) => done >= (seen[i - 1]?.done ?? 0))).toBe(true)
  })
})

describe('the token', () => {
  test('goes to the hub, never to the storage', async () => {
    await hub.pull('acme/gated', { settings: { ...hub.settings, token: GOOD_TOKEN } })
    const sent = (path: RegExp) =>
      hub.server.requests.filter(({ line }) => path.test(line)).map(({ token }) => token)
    expect(new Set(sent(/^GET \/(api|acme)/))).toEqual(new Set([GOOD_TOKEN]))
    expect(new Set(sent(/^GET \/cdn/))).toEqual(new Set([undefined]))
  })
})
