import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { stageFolder } from './staging.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bifocal-staging-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

function weightFile(): string {
  const file = join(folder, 'model.safetensors')
  writeFileSync(file, 'weights')
  return file
}

describe('a staged folder', () => {
  test('holds hard links and contents, and goes', async () => {
    vi.stubEnv('BIFOCAL_CACHE', join(folder, 'cache'))
    const file = weightFile()
    const staged = await stageFolder({
      files: new Map([[file, 'a.safetensors']]),
      contents: new Map([['model.onnx', Uint8Array.of(1, 2)]]),
    })
    expect(statSync(join(staged.folder, 'a.safetensors')).ino).toBe(statSync(file).ino)
    expect([...readFileSync(join(staged.folder, 'model.onnx'))]).toEqual([1, 2])
    await staged.remove()
    expect(existsSync(staged.folder)).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe('weights')
  })

  test('leftovers go after a day, not before', async () => {
    vi.stubEnv('BIFOCAL_CACHE', join(folder, 'cache'))
    const root = join(folder, 'cache', 'mapped')
    for (const [name, hours] of [
      ['session-old', 25],
      ['session-new', 23],
    ] as const) {
      mkdirSync(join(root, name), { recursive: true })
      const then = Date.now() / 1000 - hours * 3600
      utimesSync(join(root, name), then, then)
    }
    const staged = await stageFolder({ files: new Map(), contents: new Map() })
    await staged.remove()
    expect(readdirSync(root)).toEqual(['session-new'])
  })

  test('a cache that is a file is an error that names BIFOCAL_CACHE', async () => {
    vi.stubEnv('BIFOCAL_CACHE', weightFile())
    await expect(stageFolder({ files: new Map(), contents: new Map() })).rejects.toMatchObject({
      code: 'runtime/staging',
      hint: expect.stringContaining('BIFOCAL_CACHE'),
    })
  })
})

const OTHER_DISK = '/dev/shm'
const otherDisk = existsSync(OTHER_DISK) && statSync(OTHER_DISK).dev !== statSync(tmpdir()).dev
if (!otherDisk)
  console.warn(
    `NOT TESTED: copying weights to another disk (${OTHER_DISK} is absent or the same file system as ${tmpdir()})`,
  )

test.skipIf(!otherDisk)('on another disk a file is copied once, with a warning', async () => {
  const cache = mkdtempSync(join(OTHER_DISK, 'bifocal-staging-'))
  try {
    vi.stubEnv('BIFOCAL_CACHE', cache)
    const files = new Map([[weightFile(), 'a.safetensors']])
    const warn = vi.fn()
    for (let i = 0; i < 2; i++) {
      const staged = await stageFolder({ files, contents: new Map() }, warn)
      expect(readFileSync(join(staged.folder, 'a.safetensors'), 'utf8')).toBe('weights')
      await staged.remove()
    }
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('is copied there once'))
    expect(readdirSync(join(cache, 'copies'))).toHaveLength(1)
  } finally {
    rmSync(cache, { recursive: true, force: true })
  }
})
