import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { isShipped, isShippedName, shipped, shippedByName, shippedData } from './shipped.ts'

test.each(['tower', 'twin-ar', 'twin-diffusion'])('%s ships', (name) => {
  expect(existsSync(join(shipped(name), 'model.safetensors'))).toBe(true)
  expect(shippedByName(`bifocal:${name}`)).toBe(shipped(name))
})

test('so do the pictures', () => {
  expect(existsSync(join(shippedData(), 'concepts.json'))).toBe(true)
})

test.each(['twin-xx', '', '.', '..', '../data', 'twin-ar/config.json'])('"%s" does not', (name) => {
  expect(() => shipped(name)).toThrow(
    expect.objectContaining({
      code: 'file/not-shipped',
      exitCode: 3,
      hint: 'Take one of bifocal:tower, bifocal:twin-ar, bifocal:twin-diffusion.',
    }),
  )
})

test.each(['twin-ar', './bifocal:twin-ar', 'bifocal/twin-ar', 'C:\\twin-ar'])(
  '%s is another name',
  (name) => {
    expect(isShippedName(name)).toBe(false)
    expect(shippedByName(name)).toBeUndefined()
  },
)

test('a shipped model is known by any path to it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bifocal-shipped-'))
  symlinkSync(shipped('tower'), join(dir, 'mine'))
  expect(isShipped(shipped('tower'))).toBe(true)
  expect(isShipped(join(shipped('tower'), '.', ''))).toBe(true)
  expect(isShipped(join(dir, 'mine'))).toBe(true)
  expect(isShipped(dir)).toBe(false)
  expect(isShipped(join(dir, 'none'))).toBe(false)
  rmSync(dir, { recursive: true })
})

describe('outside a checkout', () => {
  let built: Bundle
  const project = mkdtempSync(join(tmpdir(), 'bifocal-project-'))
  beforeAll(async () => {
    built = await bundle({ shipped: 'src/foundation/files/shipped.ts' })
  })
  afterAll(() => {
    built.remove()
    rmSync(project, { recursive: true })
  })

  /** The module as a package of a project that has no other. */
  async function installed(): Promise<typeof import('./shipped.ts')> {
    const dist = join(project, 'node_modules/bifocal/dist/foundation/files')
    mkdirSync(dist, { recursive: true })
    cpSync(built.folder, dist, { recursive: true })
    return await import(pathToFileURL(join(dist, 'shipped.js')).href)
  }

  test('the error names the package, which is found once it is installed', async () => {
    const own = await installed()
    expect(() => own.shipped('twin-ar')).toThrow(
      expect.objectContaining({
        code: 'file/no-twins',
        hint: expect.stringMatching(/npm install bifocal-twins/),
      }),
    )
    expect(() => own.shippedData()).toThrow(expect.objectContaining({ code: 'file/no-twins' }))
    expect(own.isShipped(shipped('tower'))).toBe(false)
    symlinkSync(join(shippedData(), '..'), join(project, 'node_modules/bifocal-twins'))
    expect(own.shipped('twin-ar')).toBe(shipped('twin-ar'))
    expect(own.isShipped(shipped('tower'))).toBe(true)
  })
})
