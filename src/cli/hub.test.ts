/**
 * @file Models by name on the command line: pulled, inspected, embedded with, from a local hub into
 * a cache of links.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runHere } from '../../test/command-line.ts'
import { COMMIT } from '../../test/hub-models.ts'
import { type HubServer, startHubServer } from '../../test/hub-server.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { initialAdapter } from '../models/checkpoint/adapter.ts'
import { writeAdapter } from '../models/checkpoint/adapter-folder.ts'

let root: string
let model: string
let server: HubServer
const refs = { main: COMMIT }
/**
 * A new cache for each test that needs one; bifocal's own beside it, as hard links want one disk.
 */
const environment = (home: string, more: NodeJS.ProcessEnv = {}) => ({
  HF_HOME: join(root, home),
  HF_ENDPOINT: server.url,
  HF_HUB_OFFLINE: '',
  HF_TOKEN: '',
  BIFOCAL_CACHE: join(root, 'bifocal'),
  ...more,
})
const filesOf = (dir: string) =>
  Object.fromEntries(readdirSync(dir).map((name) => [name, new Uint8Array(readFileSync(join(dir, name)))]))
const json = (text: string): unknown => JSON.parse(text)

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-cli-hub-'))
  const twins = await writeRandomTwins(root)
  model = twins.ar
  const adapter = join(root, 'adapter')
  const module = 'language_model.model.layers.0.self_attn.q_proj'
  const made = initialAdapter([{ module, inFeatures: 24, outFeatures: 24 }], {
    rank: 2,
    alpha: 4,
    seed: 1,
    baseModel: 'acme/twin',
  })
  for (const { up } of made.modules.values()) up.data.fill(0.5)
  await writeAdapter(adapter, made)
  server = await startHubServer({
    'acme/twin': { refs, files: filesOf(model) },
    'acme/adapted': { refs, files: filesOf(adapter) },
    'acme/gated': { refs, files: filesOf(model), gated: true },
    'acme/pickled': {
      refs,
      files: { 'config.json': new Uint8Array([123, 125]), 'pytorch_model.bin': new Uint8Array(4) },
    },
  })
}, 240_000)
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true, force: true })
})

test('pull prints the folder, says what it fetched, and does it once', async () => {
  const env = environment('pull')
  const first = await runHere(['pull', 'acme/twin'], { env })
  const folder = join(root, `pull/hub/models--acme--twin/snapshots/${COMMIT}`)
  expect(first).toMatchObject({ code: 0, stdout: `${folder}\n` })
  expect(first.stderr).toMatch(/acme\/twin at a{12}: \d+ files, [\d.]+ MB; fetched [1-9]\d*/)
  const again = await runHere(['pull', 'acme/twin', '--json'], { env })
  expect(json(again.stdout)).toMatchObject({ repository: 'acme/twin', commit: COMMIT, folder })
  expect(again.stderr).toMatch(/fetched 0, 0.0 MB/)
})

test('embed and inspect take the name, then the cache without a network', async () => {
  const env = environment('embed')
  const named = await runHere(['embed', 'acme/twin', '--text', 'a cat'], { env })
  expect(named.stderr).toBe('')
  expect(named).toMatchObject({ code: 0 })
  // Weights by way of links give the vectors of the folder.
  expect(named.stdout).toBe((await runHere(['embed', model, '--text', 'a cat'], { env })).stdout)
  const offline = { env: { ...env, HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_OFFLINE: '1' } }
  expect((await runHere(['embed', 'acme/twin', '--text', 'a cat'], offline)).stdout).toBe(named.stdout)
  const inspected = await runHere(['inspect', `acme/twin@${COMMIT}`, '--json'], offline)
  expect(json(inspected.stdout)).toMatchObject({ family: 'llava', tensors: { missing: [], unfit: [] } })
}, 120_000)

test("an adapter's name brings its base along", async () => {
  const env = environment('adapter')
  const adapted = await runHere(['embed', 'acme/adapted', '--text', 'a cat'], { env })
  expect(adapted).toMatchObject({ code: 0 })
  expect(adapted.stdout).not.toBe((await runHere(['embed', 'acme/twin', '--text', 'a cat'], { env })).stdout)
  expect(readdirSync(join(root, 'adapter/hub')).sort()).toEqual([
    '.locks',
    'models--acme--adapted',
    'models--acme--twin',
  ])
})

test('a tuned folder may name its base on the hub', async () => {
  const dir = mkdtempSync(join(root, 'tuned-'))
  const contract = {
    format: 'bifocal-embedder/1',
    base: { path: 'acme/twin', revision: COMMIT },
    prompt: {},
    image: { orientation: 'ignored', alpha: 'dropped' },
    padding: 'right',
    truncation: 'error',
    attention: 'native',
    readout: { layer: 'last', norm: 'after', pool: 'last' },
    normalisation: 'l2',
    dtype: 'f32',
  }
  writeFileSync(join(dir, 'embedder.json'), JSON.stringify(contract))
  expect(await runHere(['inspect', dir], { env: environment('tuned') })).toMatchObject({ code: 0 })
})

describe('refusals', () => {
  test.each<[string, string[], NodeJS.ProcessEnv, number, RegExp]>([
    [
      'a gated model',
      ['pull', 'acme/gated'],
      {},
      3,
      /hub\/gated.*acme\/gated is gated[\s\S]*hint: Accept its conditions.*HF_TOKEN/,
    ],
    ['a bad token', ['pull', 'acme/twin'], { HF_TOKEN: 'hf_bad' }, 3, /hub\/token/],
    ['an absent model', ['inspect', 'acme/none'], {}, 3, /hub\/no-repository.*no folder of that name/],
    ['an absent revision', ['embed', 'acme/twin@v9', '--text', 'a'], {}, 3, /hub\/no-revision.*v9/],
    ['pickled weights', ['pull', 'acme/pickled'], {}, 3, /hub\/pickled.*pytorch_model.bin/],
    [
      'offline',
      ['embed', 'acme/twin', '--text', 'a'],
      { HF_HUB_OFFLINE: '1' },
      3,
      /hub\/offline[\s\S]*hint: .*bifocal pull acme\/twin/,
    ],
    [
      'an absent model of a study',
      ['study', '--models', 'acme/none', '--out', '/tmp/none'],
      {},
      3,
      /hub\/no-repository/,
    ],
    ['a path', ['pull', './twin'], {}, 2, /hub\/name/],
    ['patterns that match nothing', ['pull', 'acme/twin', '--include', '*.gguf'], {}, 2, /hub\/no-match/],
  ])('%s', async (_, args, more, code, says) => {
    const refused = await runHere(args, { env: environment('refusals', more) })
    expect(refused.stderr).toMatch(says)
    expect(refused).toMatchObject({ code, stdout: '' })
  })
})
