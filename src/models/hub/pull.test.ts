import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { COMMIT, clientOf, OLDER, servedModel } from '../../../test/hub-models.ts'
import {
  type Fault,
  GOOD_TOKEN,
  gitBlob,
  type HubServer,
  sha256,
  startHubServer,
} from '../../../test/hub-server.ts'
import { BifocalError, InterruptedError } from '../../foundation/numeric/errors.ts'
import { type DownloadProgress, inMegabytes } from './progress.ts'
import { pullModel } from './pull.ts'

let server: HubServer
let settings: ReturnType<typeof clientOf>
const shard = 'model-00001-of-00002.safetensors'
const bytesOf = (file: string) => server.repositories['acme/tiny']!.files[file]!
const blobs = () => join(settings.cache, 'models--acme--tiny/blobs')
/** Whether a file has the bytes that the server has; an element-wise comparison takes minutes. */
const isServed = (folder: string, file: string) => readFileSync(join(folder, file)).equals(bytesOf(file))
const partial = () => join(blobs(), `${sha256(bytesOf(shard))}.incomplete`)
/** Requests for the content of files, without the redirects before. */
const contents = () =>
  server.requests.filter(({ line }) => /^GET \/(cdn|acme)/.test(line) && !/safetensors$/.test(line))
const pull = (name = 'acme/tiny', options: Parameters<typeof pullModel>[1] = {}) =>
  pullModel(name, { settings, ...options })

async function failure(run: Promise<unknown>): Promise<BifocalError> {
  const error = await run.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (error instanceof BifocalError) return error
  throw error ?? new InterruptedError('nothing')
}

beforeEach(async () => {
  const model = await servedModel()
  server = await startHubServer({
    'acme/tiny': model,
    'acme/gated': { ...model, gated: true },
    'acme/closed': { ...model, gated: 'closed' },
    'acme/private': { ...model, private: true },
  })
  settings = clientOf(server)
})
afterEach(async () => {
  await server.close()
  settings.clear()
})

const NEEDED = [
  'config.json',
  'model-00001-of-00002.safetensors',
  'model-00002-of-00002.safetensors',
  'model.safetensors.index.json',
  'tokenizer.json',
]

describe('the cache', () => {
  test('has the layout of huggingface_hub: relative links to blobs named by checksum', async () => {
    const { folder, commit, files } = await pull()
    expect(commit).toBe(COMMIT)
    expect(folder).toBe(join(settings.cache, `models--acme--tiny/snapshots/${COMMIT}`))
    expect(readdirSync(folder).sort()).toEqual(NEEDED)
    expect(files.map(({ name }) => name).sort()).toEqual(NEEDED)
    expect(readlinkSync(join(folder, shard))).toBe(`../../blobs/${sha256(bytesOf(shard))}`)
    expect(readlinkSync(join(folder, 'config.json'))).toBe(`../../blobs/${gitBlob(bytesOf('config.json'))}`)
    expect(readFileSync(join(settings.cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(COMMIT)
    expect(NEEDED.filter((name) => !isServed(folder, name))).toEqual([])
    expect(readdirSync(blobs()).filter((name) => name.includes('.'))).toEqual([])
    expect(readdirSync(join(settings.cache, '.locks/models--acme--tiny'))).toEqual([])
    expect(existsSync(join(settings.cache, 'models--acme--tiny/.no_exist', COMMIT, 'merges.txt'))).toBe(true)
  })

  test('is not fetched twice, and says what was fetched', async () => {
    expect((await pull()).files.every(({ fetched }) => fetched)).toBe(true)
    server.requests.length = 0
    const again = await pull()
    expect(again.files.some(({ fetched }) => fetched)).toBe(false)
    expect(contents()).toEqual([])
  })

  test('a new commit fetches only what changed', async () => {
    await pull()
    const { files } = server.repositories['acme/tiny']!
    const commit = 'c'.repeat(40)
    server.repositories['acme/tiny'] = {
      refs: { main: commit },
      files: { ...files, 'config.json': new TextEncoder().encode('{}') },
    }
    const { folder, files: pulled } = await pull()
    expect(pulled.filter(({ fetched }) => fetched).map(({ name }) => name)).toEqual(['config.json'])
    expect(folder.endsWith(commit)).toBe(true)
    expect(readFileSync(join(settings.cache, 'models--acme--tiny/refs/main'), 'utf8')).toBe(commit)
  })

  test('a truncated blob is fetched again', async () => {
    const { folder } = await pull()
    writeFileSync(join(blobs(), sha256(bytesOf(shard))), 'short')
    await pull()
    expect(isServed(folder, shard)).toBe(true)
  })

  test('two pulls at once fetch each file once', async () => {
    await Promise.all([pull(), pull()])
    expect(contents()).toHaveLength(NEEDED.length)
  })

  test.each([
    ['acme/tiny@refs/pr/1', COMMIT, 'refs/refs/pr/1'],
    ['acme/tiny@v1', OLDER, 'refs/v1'],
    [`acme/tiny@${OLDER}`, OLDER, undefined],
  ])('revision %s', async (name, commit, reference) => {
    expect((await pull(name)).folder.endsWith(commit)).toBe(true)
    const references = join(settings.cache, 'models--acme--tiny')
    if (reference === undefined) expect(existsSync(join(references, 'refs'))).toBe(false)
    else expect(readFileSync(join(references, reference), 'utf8')).toBe(commit)
  })

  test('a list without sizes and checksums is completed from headers', async () => {
    server.terse = true
    const { folder } = await pull()
    expect(readlinkSync(join(folder, shard))).toBe(`../../blobs/${sha256(bytesOf(shard))}`)
    expect(readlinkSync(join(folder, 'config.json'))).toBe(`../../blobs/${gitBlob(bytesOf('config.json'))}`)
  })

  test('--include takes other files, never pickled ones', async () => {
    const { files } = await pull('acme/tiny', { include: ['onnx/*', '*.bin', 'READ??.md'] })
    expect(files.map(({ name }) => name).sort()).toEqual(['README.md', 'onnx/model.safetensors'])
    expect(await failure(pull('acme/tiny', { include: ['*.bin'] }))).toMatchObject({
      code: 'hub/no-match',
      exitCode: 2,
    })
  })

  test('a file name that leaves the folder is never written', async () => {
    const { refs, files } = server.repositories['acme/tiny']!
    const evil = {
      '../../../evil.json': files['config.json']!,
      '/evil.json': files['config.json']!,
      'a\\..\\evil.json': files['config.json']!,
    }
    server.repositories['acme/tiny'] = { refs, files: { ...files, ...evil } }
    expect(
      (await pull('acme/tiny', { include: ['*evil*', 'config.json'] })).files.map(({ name }) => name),
    ).toEqual(['config.json'])
  })
})

describe('progress', () => {
  test('counts bytes of all files up to the total', async () => {
    const seen: DownloadProgress[] = []
    await pull('acme/tiny', { onProgress: (at) => seen.push(at) })
    const total = NEEDED.reduce((sum, name) => sum + bytesOf(name).length, 0)
    expect(seen.at(-1)).toMatchObject({ repository: 'acme/tiny', done: total, total })
    expect(seen.length).toBeGreaterThan(NEEDED.length)
    expect(seen.every(({ done }, i) => done >= (seen[i - 1]?.done ?? 0))).toBe(true)
  })
})

describe('a line of progress', () => {
  test.each([
    [0, 20, 0, 0.1],
    [19, 20, 0, 0.1],
    [20, 20, 0.1, 0.1],
    [1_999_999, 2_000_000, 1.9, 2],
    [2_000_000, 2_000_000, 2, 2],
    [0, 0, 0.1, 0.1],
  ])('%s of %s bytes', (done, total, shown, end) => {
    expect(inMegabytes({ repository: 'a/b', file: 'f', done, total })).toEqual({
      label: 'download a/b, MB',
      done: shown,
      total: end,
      note: 'f',
    })
  })
})

describe('interruptions', () => {
  test('a cut connection is taken up where it broke', async () => {
    server.faults.push({ on: new RegExp(`GET /cdn/${sha256(bytesOf(shard))}`), cutAfter: 100_000 })
    await pull()
    const ranges = server.requests
      .filter(({ line }) => line.endsWith(sha256(bytesOf(shard))))
      .map(({ range }) => range)
    expect(ranges).toHaveLength(2)
    expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? '')?.[1])).toBeGreaterThan(0)
  })

  test('a connection that falls silent counts as cut', async () => {
    settings.silence = 2_500
    settings.attempts = 6
    server.faults.push({ on: /GET \/cdn/, stallAfter: 50_000 })
    await pull()
    expect(server.requests.some(({ range }) => range !== undefined)).toBe(true)
  })

  test('a server without ranges starts again, and the file is right', async () => {
    const on = new RegExp(`GET /cdn/${sha256(bytesOf(shard))}`)
    server.faults.push({ on, cutAfter: 100_000 }, { on, ignoreRange: true })
    const { folder } = await pull()
    expect(isServed(folder, shard)).toBe(true)
  })

  test('Ctrl-C keeps the part, and the next run goes on with it', async () => {
    const stop = new AbortController()
    server.faults.push({ on: /GET \/cdn/, stallAfter: 150_000, times: 2 })
    const onProgress = ({ done }: DownloadProgress) => done > 200_000 && stop.abort()
    expect(await failure(pull('acme/tiny', { signal: stop.signal, onProgress }))).toMatchObject({
      code: 'interrupted',
      exitCode: 130,
    })
    const kept = statSync(partial()).size
    expect(kept).toBeGreaterThan(0)
    expect(existsSync(join(settings.cache, 'models--acme--tiny/refs/main'))).toBe(false)
    server.requests.length = 0
    await pull()
    expect(server.requests.map(({ range }) => range)).toContain(`bytes=${kept}-`)
  })

  test("Python's unfinished file is taken up", async () => {
    mkdirSync(blobs(), { recursive: true })
    writeFileSync(partial(), bytesOf(shard).subarray(0, 1000))
    await pull()
    expect(server.requests.map(({ range }) => range)).toContain('bytes=1000-')
  })

  test('a damaged part costs a second download, not an error', async () => {
    mkdirSync(blobs(), { recursive: true })
    writeFileSync(partial(), new Uint8Array(1000).fill(7))
    const { folder } = await pull()
    expect(isServed(folder, shard)).toBe(true)
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
    server.faults.push(fault)
    expect((await pull()).files).toHaveLength(NEEDED.length)
    expect(fault.times).toBe(0)
  })

  test('Retry-After is waited for', async () => {
    server.faults.push({ on: /GET \/api/, status: 429, headers: { 'retry-after': '1' } })
    const start = performance.now()
    await pull()
    expect(performance.now() - start).toBeGreaterThan(950)
  })
})

describe('the token', () => {
  test('goes to the hub, never to the storage', async () => {
    await pull('acme/gated', { settings: { ...settings, token: GOOD_TOKEN } })
    const sent = (path: RegExp) =>
      server.requests.filter(({ line }) => path.test(line)).map(({ token }) => token)
    expect(new Set(sent(/^GET \/(api|acme)/))).toEqual(new Set([GOOD_TOKEN]))
    expect(new Set(sent(/^GET \/cdn/))).toEqual(new Set([undefined]))
  })
})

interface Refusal {
  name?: string
  token?: string
  fault?: Fault
  code: string
  exitCode: number
  says: RegExp
  hints: RegExp
}

const always = (fault: Fault): Fault => ({ times: 99, ...fault })

const refusals: Readonly<Record<string, Refusal>> = {
  'a gated model without a token': {
    name: 'acme/gated',
    code: 'hub/gated',
    exitCode: 3,
    says: /acme\/gated is gated.*no token.*401/,
    hints: /Accept its conditions at http.*acme\/gated.*HF_TOKEN/,
  },
  'a gated model for others': {
    name: 'acme/closed',
    token: GOOD_TOKEN,
    code: 'hub/gated',
    exitCode: 3,
    says: /account of your token.*403/,
    hints: /Accept its conditions/,
  },
  'a bad token': {
    token: 'hf_bad',
    code: 'hub/token',
    exitCode: 3,
    says: /does not accept the token/,
    hints: /settings\/tokens.*expired/,
  },
  'an absent model': {
    name: 'acme/none',
    code: 'hub/no-repository',
    exitCode: 3,
    says: /no model acme\/none, or it is private.*no folder/,
    hints: /HF_TOKEN/,
  },
  'an absent model, with a token': {
    name: 'acme/none',
    token: GOOD_TOKEN,
    code: 'hub/no-repository',
    exitCode: 3,
    says: /no model acme\/none \(HTTP 404\)/,
    hints: /Check the name\./,
  },
  'a private model': {
    name: 'acme/private',
    code: 'hub/no-repository',
    exitCode: 3,
    says: /or it is private/,
    hints: /HF_TOKEN/,
  },
  'an absent branch': {
    name: 'acme/tiny@v9',
    code: 'hub/no-revision',
    exitCode: 3,
    says: /acme\/tiny has no revision v9/,
    hints: /branches and tags/,
  },
  'an absent commit': {
    name: `acme/tiny@${'d'.repeat(40)}`,
    code: 'hub/no-revision',
    exitCode: 3,
    says: /no revision d{40}/,
    hints: /commit/,
  },
  'a file that vanished': {
    fault: { on: /GET \/acme\/tiny.*config.json/, status: 404, headers: { 'x-error-code': 'EntryNotFound' } },
    code: 'hub/no-file',
    exitCode: 3,
    says: /no file config.json at revision a{40}/,
    hints: /tree/,
  },
  'access refused': {
    fault: { on: /GET \/acme/, status: 403, times: 99, headers: { 'x-error-message': 'Fine-grained token' } },
    code: 'hub/forbidden',
    exitCode: 3,
    says: /Fine-grained token/,
    hints: /right to read/,
  },
  'too many requests': {
    fault: always({ on: /GET \/api/, status: 429 }),
    code: 'hub/rate-limit',
    exitCode: 1,
    says: /429/,
    hints: /HF_TOKEN/,
  },
  'a long Retry-After': {
    fault: { on: /GET \/api/, status: 429, headers: { 'retry-after': '3600' } },
    code: 'hub/rate-limit',
    exitCode: 1,
    says: /Retry-After: 3600/,
    hints: /Wait/,
  },
  'a hub that is down': {
    fault: always({ on: /GET \/api/, status: 503 }),
    code: 'hub/unavailable',
    exitCode: 1,
    says: /503, after 3 attempts/,
    hints: /later/,
  },
  'a storage that is down': {
    fault: always({ on: /GET \/cdn/, status: 500 }),
    code: 'hub/unavailable',
    exitCode: 1,
    says: /500/,
    hints: /later/,
  },
  'connections that always break': {
    fault: always({ on: /GET \/cdn/, cutAfter: 0 }),
    code: 'hub/unreachable',
    exitCode: 1,
    says: /connections break/,
    hints: /goes on where it stopped/,
  },
  'a login page': {
    fault: { on: /GET \/api/, body: '<html>' },
    code: 'hub/answer',
    exitCode: 3,
    says: /unexpected answer for the list/,
    hints: /HF_ENDPOINT/,
  },
  'an odd status': {
    fault: { on: /GET \/api/, status: 418 },
    code: 'hub/answer',
    exitCode: 3,
    says: /HTTP 418/,
    hints: /HF_ENDPOINT/,
  },
  'an endless redirect': {
    fault: always({ on: /GET \/api/, status: 302, headers: { location: '/api/again' } }),
    code: 'hub/answer',
    exitCode: 3,
    says: /10 redirects/,
    hints: /HF_ENDPOINT/,
  },
  'other bytes': {
    fault: always({ on: /GET \/cdn/, corrupt: true }),
    code: 'hub/checksum',
    exitCode: 3,
    says: /model-0000\d-of-00002.safetensors of acme\/tiny.*checksum [0-9a-f]{64}, expected [0-9a-f]{64}, twice/,
    hints: /part was removed/,
  },
  'other bytes of a small file': {
    fault: always({ on: /GET \/acme.*config/, corrupt: true }),
    code: 'hub/checksum',
    exitCode: 3,
    says: /checksum [0-9a-f]{40}, expected/,
    hints: /part was removed/,
  },
  'no name': {
    name: './models',
    code: 'hub/name',
    exitCode: 2,
    says: /"\.\/models" is no name/,
    hints: /org\/name@revision/,
  },
}

describe('refusals', () => {
  test.each(Object.entries(refusals))(
    '%s',
    async (_, { name = 'acme/tiny', token, fault, code, exitCode, says, hints }) => {
      if (fault !== undefined) server.faults.push(fault)
      const error = await failure(pull(name, { settings: { ...settings, token } }))
      expect(error).toMatchObject({ code, exitCode })
      expect(error.message).toMatch(says)
      expect(error.hint).toMatch(hints)
      expect(existsSync(join(settings.cache, 'models--acme--tiny/refs'))).toBe(false)
    },
  )

  test('one bad download is repaired', async () => {
    server.faults.push({ on: /GET \/cdn/, corrupt: true })
    expect((await pull()).files).toHaveLength(NEEDED.length)
  })

  test('nobody listens', async () => {
    await server.close()
    const error = await failure(pull())
    expect(error.code).toBe('hub/unreachable')
    expect(error.message).toMatch(/ECONNREFUSED.*3 times/)
  })

  test('a disk that is too small, before anything is fetched', async () => {
    const siblings = [
      { rfilename: 'config.json', size: 2, blobId: 'e'.repeat(40) },
      { rfilename: 'model.safetensors', size: 2 ** 50, blobId: 'f'.repeat(40) },
    ]
    server.faults.push({ on: /GET \/api/, body: JSON.stringify({ sha: COMMIT, siblings }) })
    const error = await failure(pull())
    expect(error).toMatchObject({ code: 'hub/no-space', exitCode: 1 })
    expect(error.message).toMatch(/1125899.9 GB are to be downloaded/)
    expect(contents()).toEqual([])
  })

  test('a cache that is a file', async () => {
    writeFileSync(join(settings.cache, 'models--acme--tiny'), '')
    expect(await failure(pull())).toMatchObject({ code: 'file/write' })
  })

  test('offline', async () => {
    expect(await failure(pull('acme/tiny', { settings: { ...settings, offline: true } }))).toMatchObject({
      code: 'hub/offline',
    })
    expect(server.requests).toEqual([])
  })
})
