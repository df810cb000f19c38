/** @file Servers and caches that mean harm, or are broken so that a download would never end. */

import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clientOf, servedModel } from '../../../test/hub-models.ts'
import { type HubServer, sha256, startHubServer } from '../../../test/hub-server.ts'
import { HubError } from './errors.ts'
import { pullModel } from './pull.ts'
import { selectFiles } from './selection.ts'

let server: HubServer
let settings: ReturnType<typeof clientOf>
beforeEach(async () => {
  server = await startHubServer({ 'acme/tiny': await servedModel() })
  settings = clientOf(server)
})
afterEach(async () => {
  await server.close()
  settings.clear()
})

const shard = 'model-00001-of-00002.safetensors'
const bytesOf = (file: string) => server.repositories['acme/tiny']!.files[file]!
const blobs = () => join(settings.cache, 'models--acme--tiny/blobs')
const partial = () => join(blobs(), `${sha256(bytesOf(shard))}.incomplete`)
const stored = () => new RegExp(`GET /cdn/${sha256(bytesOf(shard))}`)
const pull = () => pullModel('acme/tiny', { settings })

describe('a list of files', () => {
  let other: Server
  afterEach(async () => {
    other.closeAllConnections()
    await new Promise((resolve) => other.close(resolve))
  })

  /** A server whose every answer is made by `answer`. */
  async function answering(answer: (response: ServerResponse) => void): Promise<string> {
    other = createServer((_, response) => answer(response))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  }

  function drip(response: ServerResponse): void {
    response.writeHead(200)
    const drops = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drops))
  }

  function endless(response: ServerResponse): void {
    response.writeHead(200)
    const block = Buffer.alloc(2 ** 22, 0x20)
    const more = () => {
      while (!response.destroyed && response.write(block)) {}
    }
    response.on('drain', more)
    more()
  }

  test.each<[string, string, RegExp, (response: ServerResponse) => void]>([
    ['stalls', 'hub/unreachable', /no answer in time/, (response) => void response.writeHead(200).write('{')],
    ['comes drop by drop', 'hub/unreachable', /did not end within 0\.8 s/, drip],
    ['never ends', 'hub/answer', /more than 256 MiB/, endless],
    [
      'unpacks to more than can be a list',
      'hub/answer',
      /more than 256 MiB/,
      (response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(300 * 2 ** 20))),
    ],
  ])('that %s is given up', async (_, code, message, answer) => {
    const endpoint = await answering(answer)
    const silence = code === 'hub/answer' ? 10_000 : 200
    await expect(
      pullModel('acme/tiny', { settings: { ...settings, endpoint, silence, attempts: 2 } }),
    ).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

test('300,000 files are chosen from at once', () => {
  const names = Array.from({ length: 300_000 }, (_, i) => `pictures/${i}.png`)
  names.push('config.json', 'model.safetensors', 'golden.jsonl', 'embedder.json')
  const start = performance.now()
  expect(selectFiles('a/b', names).sort()).toEqual([
    'config.json',
    'embedder.json',
    'golden.jsonl',
    'model.safetensors',
  ])
  expect(selectFiles('a/b', names, ['pictures/*'])).toHaveLength(300_000)
  // Looking through all names for each name takes minutes.
  expect(performance.now() - start).toBeLessThan(10_000)
})

describe('a part that the server does not continue', () => {
  const refused = { status: 416 }
  const elsewhere = { status: 206, headers: { 'content-range': 'bytes 5-10/11' } }
  const senseless = { status: 206, headers: { 'content-range': 'all of it' } }
  beforeEach(() => {
    mkdirSync(blobs(), { recursive: true })
    writeFileSync(partial(), bytesOf(shard).subarray(0, 1000))
  })

  test.each([
    ['416', refused],
    ['another range', elsewhere],
    ['no range', senseless],
  ])('is dropped once: %s', async (_, fault) => {
    server.faults.push({ on: stored(), ...fault })
    settings.attempts = 1
    const { folder } = await pull()
    expect(readFileSync(join(folder, shard)).equals(bytesOf(shard))).toBe(true)
  })

  test('a server that refuses again ends the download, and the next run starts afresh', async () => {
    server.faults.push({ on: stored(), ...refused, times: 2 })
    await expect(pull()).rejects.toMatchObject({
      code: 'hub/answer',
      message: expect.stringContaining('416'),
    })
    expect((await pull()).files.every(({ size }) => size > 0)).toBe(true)
  })
})

describe('an unfinished file that leads elsewhere is not written', () => {
  test.each<[string, (target: string, path: string) => void]>([
    ['a link', symlinkSync],
    ['a second name of a file', linkSync],
  ])('%s', async (_, lead) => {
    const target = join(settings.cache, 'precious')
    mkdirSync(blobs(), { recursive: true })
    writeFileSync(target, 'precious')
    lead(target, partial())
    await expect(pull()).rejects.toMatchObject({
      code: 'file/link',
      message: expect.stringContaining(partial()),
      hint: expect.stringContaining('Remove it'),
    })
    expect(readFileSync(target, 'utf8')).toBe('precious')
  })

  test('a link to nothing', async () => {
    mkdirSync(blobs(), { recursive: true })
    const target = join(settings.cache, 'absent')
    symlinkSync(target, partial())
    await expect(pull()).rejects.toMatchObject({ code: 'file/link' })
    expect(readdirSync(settings.cache)).not.toContain('absent')
  })

  test('a folder', async () => {
    mkdirSync(partial(), { recursive: true })
    await expect(pull()).rejects.toMatchObject({
      code: 'file/link',
      message: expect.stringContaining('no plain file'),
    })
  })
})

describe('characters that steer a terminal', () => {
  test.each(['a\u001b[2J.json', 'a\r.json', 'a\u009b31m.json', 'a\u202enosj.txt', 'a\nb.json'])(
    'a file with one in its name is never fetched: %j',
    async (name) => {
      const served = server.repositories['acme/tiny']!
      server.repositories['acme/tiny'] = {
        ...served,
        files: { ...served.files, [name]: bytesOf('config.json') },
      }
      const { files } = await pullModel('acme/tiny', { settings, include: ['*.json', '*.txt'] })
      expect(files.map((file) => file.name)).toContain('config.json')
      expect(files.map((file) => file.name)).not.toContain(name)
    },
  )

  test('an error shows them as escapes', () => {
    const { message, hint } = new HubError('answer', { message: 'a\u001b[2Jb', hint: 'c\u0007d' })
    expect([message, hint]).toEqual(['a\\u001b[2Jb', 'c\\u0007d'])
  })
})
