/**
 * @file The packages that users install: their files, their size, and that they work in a project
 * of somebody else.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildCli } from './built-cli.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifestSchema = z.object({
  scripts: z.record(z.string(), z.string()).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
})
const manifestOf = (folder: string) =>
  manifestSchema.parse(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')))
const folders = ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))]

const packedSchema = z.tuple([z.object({ size: z.number(), files: z.array(z.object({ path: z.string() })) })])

/** The files of a package as npm would pack them; `size` is that of the packed file in bytes. */
function packed(folder: string): { size: number; files: string[] } {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json'], {
    cwd: join(root, folder),
    encoding: 'utf8',
  })
  const [{ size, files }] = packedSchema.parse(JSON.parse(told))
  return { size, files: files.map(({ path }) => path) }
}

beforeAll(buildCli, 300_000)

test.each(folders)('%s has no script that npm would leave out silently', (folder) => {
  const { scripts = {} } = manifestOf(folder)
  const names = Object.keys(scripts)
  const around = names.filter(
    (name) => /^(pre|post)/.test(name) && names.includes(name.replace(/^(pre|post)/, '')),
  )
  const lifecycle = names.filter(
    (name) =>
      /^(pre|post)?(install|uninstall|publish|publishOnly|prepare|pack|version)$/.test(name) &&
      name !== 'pack',
  )
  expect([...around, ...lifecycle]).toEqual([])
})

describe('installed', () => {
  const project = mkdtempSync(join(tmpdir(), 'bifocal-project-'))
  const elsewhere = mkdtempSync(join(tmpdir(), 'bifocal-elsewhere-'))
  const sizes: Record<string, number> = {}
  const modules = join(project, 'node_modules')

  /** Copies the files that npm would pack. */
  function install(name: string, folder: string): string[] {
    const { size, files } = packed(folder)
    sizes[name] = size
    for (const file of files) {
      mkdirSync(dirname(join(modules, name, file)), { recursive: true })
      cpSync(join(root, folder, file), join(modules, name, file))
    }
    return files
  }

  let files: string[]
  beforeAll(() => {
    files = install('bifocal', '.')
    // Those that it says it needs, and no others.
    for (const name of Object.keys(manifestOf('.').dependencies ?? {})) {
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
    }
  }, 120_000)
  afterAll(() => {
    for (const dir of [project, elsewhere]) rmSync(dir, { recursive: true, force: true })
  })

  const bifocal = (...args: string[]) =>
    spawnSync(process.execPath, [join(modules, 'bifocal/dist/cli/main.js'), ...args], {
      cwd: elsewhere,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })

  test('bifocal is small and holds what it runs', () => {
    expect(sizes.bifocal).toBeLessThan(3e6)
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/cli/main.js',
        'dist/engine/runtime/worker.js',
        'dist/index.d.ts',
        'LICENSE',
        'NOTICE',
        'README.md',
      ]),
    )
    expect(files.filter((file) => /\.map$|tsbuildinfo|\.test\.|^packages|^src/.test(file))).toEqual([])
  })

  test('without bifocal-twins, a shipped model is an error that names the package', () => {
    const { status, stderr } = bifocal('embed', 'bifocal:twin-ar', '--text', 'a horse')
    expect(stderr).toMatch(/file\/no-twins.*\n.*npm install bifocal-twins/)
    expect(status).toBe(3)
  })

  describe('beside bifocal-twins', () => {
    let twins: string[]
    beforeAll(() => {
      twins = install('bifocal-twins', 'packages/twins')
    }, 120_000)

    test('which holds all that lies in its folder', () => {
      const entries = readdirSync(join(root, 'packages/twins'), { recursive: true, withFileTypes: true })
      const lying = entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(join(root, 'packages/twins'), join(entry.parentPath, entry.name)))
      expect(twins.sort()).toEqual(lying.sort())
    })

    test('a shipped model is found from any folder, by the command line', () => {
      const { status, stdout } = bifocal('embed', 'bifocal:twin-ar', '--text', 'a horse')
      expect(status).toBe(0)
      expect(JSON.parse(stdout).vector).toHaveLength(192)
    }, 60_000)

    test('and by the library', () => {
      const program = join(project, 'program.mjs')
      writeFileSync(
        program,
        `import { Embedder, shipped } from 'bifocal'
        const embedder = await Embedder.load(shipped('twin-diffusion'))
        const { vectors } = await embedder.embed([{ text: 'a horse' }])
        await embedder.close()
        console.log(JSON.stringify(vectors.dims))`,
      )
      expect(execFileSync(process.execPath, [program], { cwd: elsewhere, encoding: 'utf8' })).toBe(
        '[1,192]\n',
      )
    }, 60_000)

    test('an evaluation of the tower writes its page', () => {
      const { status, stderr } = bifocal(
        'eval',
        'bifocal:tower',
        '--tasks',
        'object-label',
        '--limit',
        '10',
        '--out',
        'run',
      )
      expect({ status, stderr }).toMatchObject({ status: 0 })
      expect(readdirSync(join(elsewhere, 'run'))).toContain('report.html')
    }, 240_000)
  })
})
