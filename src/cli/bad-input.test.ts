/** @file Inputs that the command line refuses or survives: models, adapters, cache folders. */

import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildCli } from '../../test/built-cli.ts'
import { runHere } from '../../test/command-line.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { initialAdapter } from '../models/checkpoint/adapter.ts'
import { writeAdapter } from '../models/checkpoint/adapter-folder.ts'

let root: string
let model: string
const at = (name: string) => join(root, name)

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-bad-input-'))
  model = (await writeRandomTwins(root)).ar
  writeFileSync(at('items.jsonl'), '{"text":"a cat"}\n')
  await cp(model, at('no-image-token'), { recursive: true })
  const tokenizer = z.looseObject({ added_tokens: z.array(z.looseObject({ content: z.string() })) })
  const file = join(at('no-image-token'), 'tokenizer.json')
  const parsed = tokenizer.parse(JSON.parse(readFileSync(file, 'utf8')))
  writeFileSync(
    file,
    JSON.stringify({
      ...parsed,
      added_tokens: parsed.added_tokens.filter(({ content }) => content !== '<image>'),
    }),
  )
  const module = 'language_model.model.layers.0.self_attn.q_proj'
  const adapter = initialAdapter([{ module, inFeatures: 24, outFeatures: 24 }], {
    rank: 2,
    alpha: 4,
    seed: 1,
    baseModel: 'acme/twin',
  })
  for (const { up } of adapter.modules.values()) up.data.fill(0.5)
  await writeAdapter(at('adapter'), adapter)
  await buildCli()
}, 400_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a tokenizer without the token of pictures is refused before anything runs', async () => {
  const { code, stderr } = await runHere(['embed', at('no-image-token'), '--text', 'a cat'])
  expect(stderr).toMatch(/family\/special-token.*no-image-token: .*token \d+/)
  expect(code).toBe(3)
})

test('an adapter gives the same vectors live and merged', async () => {
  const vectorOf = async (...flags: string[]) => {
    const { stdout } = await runHere(['embed', model, '--text', 'a cat', ...flags])
    return z.object({ vector: z.array(z.number()) }).parse(JSON.parse(stdout)).vector
  }
  const live = await vectorOf('--adapter', at('adapter'))
  expect(await vectorOf('--adapter', at('adapter'), '--adapter-mode', 'merged')).toBeAllClose(live, {
    atol: 1e-6,
  })
  expect(await vectorOf()).not.toBeAllClose(live, { atol: 1e-3 })
})

test('a process that exits while it writes leaves nothing half written', () => {
  const file = pathToFileURL(
    join(fileURLToPath(new URL('../..', import.meta.url)), 'dist/foundation/files/file.js'),
  ).href
  const program = `
    import { writeFileAtomic } from ${JSON.stringify(file)}
    import { readdirSync } from 'node:fs'
    await writeFileAtomic('out/x.bin', (async function* () {
      yield new Uint8Array(1000)
      console.log(readdirSync('out').join())
      process.exit(130)
    })())`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stdout).toMatch(/^\.x\.bin\..*\.tmp$/m)
  expect(status).toBe(130)
  expect(readdirSync(at('out'))).toEqual([])
})

describe('golden vectors', () => {
  test('of a model by name want a folder to go to', async () => {
    const { code, stderr } = await runHere(['verify', 'acme/twin', '--record', at('items.jsonl')])
    expect(stderr).toMatch(/usage\/arguments.*acme\/twin[\s\S]*hint: .*--out DIR/)
    expect(code).toBe(2)
  })

  test('do not go into the shared cache', async () => {
    const snapshot = at(`hub/models--acme--twin/snapshots/${'a'.repeat(40)}`)
    mkdirSync(snapshot, { recursive: true })
    for (const name of readdirSync(model)) symlinkSync(join(model, name), join(snapshot, name))
    const { code, stderr } = await runHere(['verify', snapshot, '--record', at('items.jsonl')])
    expect(stderr).toMatch(/embedder\/shared-folder[\s\S]*hint: .*--out DIR/)
    expect(code).toBe(2)
    expect(readdirSync(snapshot).sort()).toEqual(readdirSync(model).sort())
  })
})
