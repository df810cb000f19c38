import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildCli, runCli } from './built-cli.ts'
import { writeRandomTwins } from './random-twins.ts'

/** Every folder in which a program keeps files of its own. */
const FOLDERS = {
  HOME: 'home',
  XDG_CACHE_HOME: 'cache',
  XDG_CONFIG_HOME: 'config',
  XDG_DATA_HOME: 'share',
  XDG_STATE_HOME: 'state',
  XDG_RUNTIME_DIR: 'run',
  TMPDIR: 'tmp',
}

let root: string
let model: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-telemetry-'))
  model = (await writeRandomTwins(root)).ar
  await buildCli()
}, 400_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Files that an embedding leaves in folders that were empty before. */
async function leftBy(name: string): Promise<string[]> {
  const clean = join(root, name)
  for (const folder of Object.values(FOLDERS)) mkdirSync(join(clean, folder), { recursive: true })
  const folders = Object.entries(FOLDERS).map(([key, folder]) => [key, join(clean, folder)])
  const env = { ...Object.fromEntries(folders), ORT_DISABLE_TELEMETRY: undefined, BIFOCAL_CACHE: undefined }
  const { code, stderr } = await runCli(['embed', model, '--text', 'a cat'], { env })
  expect({ code, stderr }).toMatchObject({ code: 0 })
  return readdirSync(clean, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(clean, path)).isFile(),
  )
}

test('embedding with a clean home and temporary folder leaves no file: the engine does not report', async () => {
  expect(await leftBy('default')).toEqual([])
})

// The engine itself is silent on build servers: so this looks at the choice, not at the file that
// the choice leads to.
test.each([
  [undefined, '1'],
  ['0', '0'],
])('before the engine is loaded, ORT_DISABLE_TELEMETRY=%s becomes %s', async (choice, expected) => {
  const telemetry = new URL('../dist/engine/runtime/telemetry.js', import.meta.url).href
  const program = `await import(${JSON.stringify(telemetry)}); process.stdout.write(process.env.ORT_DISABLE_TELEMETRY)`
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    env: choice === undefined ? env : { ...env, ORT_DISABLE_TELEMETRY: choice },
  })
  expect(stdout).toBe(expected)
})
