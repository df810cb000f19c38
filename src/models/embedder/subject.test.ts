import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { shipped } from '../../foundation/files/shipped.ts'
import { type Contract, writeContract } from './contract.ts'
import { openSubject } from './subject.ts'

let root: string
let folders: Awaited<ReturnType<typeof writeRandomTwins>>
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-subject-'))
  folders = await writeRandomTwins(root)
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A folder with a contract over the autoregressive twin. */
async function tuned(name: string, change: Partial<Contract> = {}): Promise<string> {
  const dir = join(root, name)
  mkdirSync(dir)
  const { contract } = (await openSubject(folders.ar)).encoder
  await writeContract(dir, { ...contract, base: { path: folders.ar.replace(root, '..') }, ...change })
  return dir
}

test('a contract is found by its file, and in a folder that is called like one', async () => {
  const dir = await tuned('tuned.json')
  for (const path of [dir, join(dir, 'embedder.json')]) expect((await openSubject(path)).dir).toBe(dir)
})

test('a shipped model is opened by its name, and is found by a contract that names it as its base', async () => {
  const [plain, dir] = [
    await openSubject('bifocal:twin-ar'),
    await tuned('on-shipped', { base: { path: 'bifocal:twin-ar' } }),
  ]
  expect(plain.dir).toBe(shipped('twin-ar'))
  expect((await openSubject(dir)).encoder.checkpoint.dir).toBe(shipped('twin-ar'))
})

test.each(['ar', 'tower'] as const)('more dims than the vectors have are refused: %s', async (name) => {
  await expect(openSubject(folders[name], { readout: { dims: 999 } })).rejects.toMatchObject({
    code: 'embedder/dims',
    exitCode: 2,
  })
})

test.each([
  ['of another family', { mropeMode: 'grid' }],
  ['that no family has', { mropeMod: 'grid' }],
])('settings %s are refused', async (_, family) => {
  const dir = await tuned(`plane ${Object.keys(family).join()}`, { family })
  await expect(openSubject(dir)).rejects.toMatchObject({ code: 'family/settings', exitCode: 2 })
})

test('a contract of version 1 is read, with its setting of a family in the place of version 2', async () => {
  const dir = await tuned('older')
  const file = join(dir, 'embedder.json')
  const first = readFileSync(file, 'utf8').replace('bifocal-embedder/2', 'bifocal-embedder/1')
  writeFileSync(file, first)
  expect((await openSubject(dir)).encoder.contract).toMatchObject({ format: 'bifocal-embedder/2' })
  writeFileSync(file, first.replace('{', '{ "mropeMode": "grid",'))
  await expect(openSubject(dir)).rejects.toMatchObject({ code: 'family/settings' })
})

test('merging an adapter is refused where there is none, its default mode is not', async () => {
  expect((await openSubject(folders.ar, { adapterMode: 'live' })).adapterFolder).toBeUndefined()
  await expect(openSubject(folders.ar, { adapterMode: 'merged' })).rejects.toMatchObject({
    code: 'usage/arguments',
    exitCode: 2,
  })
})
