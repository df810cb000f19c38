import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMIT, clientOf, OLDER, servedModel } from '../../../test/hub-models.ts'
import { gitBlob, type HubServer, sha256, startHubServer } from '../../../test/hub-server.ts'
import { shipped } from '../../foundation/files/shipped.ts'
import { HubError } from './errors.ts'
import { resolveModel } from './resolve.ts'

let server: HubServer
let settings: ReturnType<typeof clientOf>
const snapshot = (commit = COMMIT) => join(settings.cache, 'models--acme--tiny/snapshots', commit)
const resolve = (name = 'acme/tiny', more: Parameters<typeof resolveModel>[1] = {}) =>
  resolveModel(name, { settings, ...more })

beforeEach(async () => {
  server = await startHubServer({ 'acme/tiny': await servedModel() })
  settings = clientOf(server)
})
afterEach(async () => {
  await server.close()
  settings.clear()
})

/**
 * As Python leaves it when a program read some files: no word about files that the repository
 * lacks.
 */
function leaveSnapshot(names: readonly string[]): void {
  const { files } = server.repositories['acme/tiny']!
  for (const folder of [
    snapshot(),
    join(settings.cache, 'models--acme--tiny/refs'),
    join(settings.cache, 'models--acme--tiny/blobs'),
  ]) {
    mkdirSync(folder, { recursive: true })
  }
  for (const name of names) writeFileSync(join(snapshot(), name), files[name]!)
  writeFileSync(join(settings.cache, 'models--acme--tiny/refs/main'), COMMIT)
}

const CHECKPOINT = [
  'config.json',
  'model.safetensors.index.json',
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
]

describe('a folder', () => {
  test('wins over a name, and nobody is asked', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bifocal-resolve-'))
    expect(await resolve(dir)).toBe(dir)
    expect(server.requests).toEqual([])
    rmSync(dir, { recursive: true })
  })

  test.each([
    './acme/tiny',
    '/acme/tiny',
    'tiny',
    'a/b/c',
    'acme/../tiny',
    'acme/tiny@../../x',
    'C:\\acme\\tiny',
    '',
  ])('%s is no name', async (path) => {
    expect(await resolve(path)).toBe(path)
    expect(server.requests).toEqual([])
  })
})

describe('bifocal:NAME', () => {
  test('is a shipped model, and nobody is asked', async () => {
    expect(await resolve('bifocal:twin-ar')).toBe(shipped('twin-ar'))
    expect(server.requests).toEqual([])
  })

  test('that does not ship is an error that lists those that do', async () => {
    await expect(resolve('bifocal:twin')).rejects.toMatchObject({
      code: 'file/not-shipped',
      hint: expect.stringMatching(/bifocal:twin-ar/),
    })
  })
})

describe('a name', () => {
  test('is fetched once, then taken from the cache without asking', async () => {
    expect(await resolve()).toBe(snapshot())
    server.requests.length = 0
    expect(await resolve()).toBe(snapshot())
    expect(await resolve(`acme/tiny@${COMMIT}`)).toBe(snapshot())
    expect(server.requests).toEqual([])
  })

  test('of another revision is fetched too, but no byte twice', async () => {
    await resolve()
    server.requests.length = 0
    expect(await resolve('acme/tiny@v1')).toBe(snapshot(OLDER))
    expect(server.requests.map(({ line }) => line)).toEqual([
      'GET /api/models/acme/tiny/revision/v1?blobs=true',
    ])
  })

  test('what another program left unfinished is completed', async () => {
    leaveSnapshot(['config.json', 'model.safetensors.index.json'])
    await resolve()
    expect(readdirSync(snapshot()).sort()).toEqual([...CHECKPOINT, 'tokenizer.json'].sort())
    const asked = server.requests.map(({ line }) => line)
    expect(asked.some((line) => line.includes('config.json'))).toBe(false)
    expect(asked.filter((line) => line.startsWith('GET /cdn'))).toHaveLength(2)
  })

  test('a checkpoint without its tokenizer is completed, then whole', async () => {
    leaveSnapshot(CHECKPOINT)
    await resolve()
    expect(readdirSync(snapshot())).toContain('tokenizer.json')
    server.requests.length = 0
    await resolve()
    expect(server.requests).toEqual([])
  })
})

describe('offline', () => {
  test('the cache serves what another program fetched', async () => {
    leaveSnapshot(CHECKPOINT)
    expect(await resolve('acme/tiny', { settings: { ...settings, offline: true } })).toBe(snapshot())
    expect(server.requests).toEqual([])
  })

  test.each<[string, () => void]>([
    ['nothing', () => {}],
    ['half a checkpoint', () => leaveSnapshot(CHECKPOINT.slice(0, 3))],
  ])('%s in the cache is an error that says what to do', async (_, leave) => {
    leave()
    await expect(resolve('acme/tiny', { settings: { ...settings, offline: true } })).rejects.toMatchObject({
      code: 'hub/offline',
      message: expect.stringMatching(/neither a folder nor whole in the cache/),
      hint: expect.stringMatching(/bifocal pull acme\/tiny/),
    })
  })

  test('a hub that fails is made up for by the cache, with a warning', async () => {
    leaveSnapshot(CHECKPOINT)
    server.faults.push({ on: /api/, status: 503, times: 99 })
    const warnings: string[] = []
    expect(await resolve('acme/tiny', { warn: (message) => warnings.push(message) })).toBe(snapshot())
    expect(warnings).toEqual([expect.stringMatching(/503.*the copy of acme\/tiny in the cache is used/)])
  })

  test('a name that the hub does not know is none of those', async () => {
    leaveSnapshot(CHECKPOINT)
    server.repositories = {}
    await expect(resolve()).rejects.toMatchObject({ code: 'hub/no-repository' })
  })

  test('without a copy, it is said that no folder has the name either', async () => {
    server.faults.push({ on: /api/, status: 503, times: 99 })
    const message = expect.stringMatching(/^there is no folder acme\/tiny, and as a name on the hub: .*503/)
    const told = resolve()
    await expect(told).rejects.toBeInstanceOf(HubError)
    await expect(told).rejects.toMatchObject({ code: 'hub/unavailable', message, exitCode: 1 })
  })
})

test('blobs have the names that git and large file storage give', () => {
  // `printf 'hello' | git hash-object --stdin`, `printf 'hello' | sha256sum`
  const hello = new TextEncoder().encode('hello')
  expect(gitBlob(hello)).toBe('b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0')
  expect(sha256(hello)).toBe('2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')
})
