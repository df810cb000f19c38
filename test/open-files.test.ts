import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCli } from './built-cli.ts'
import { writeRandomTwins } from './random-twins.ts'

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

describe.skipIf(process.platform === 'win32')('a process that may open few files says so', () => {
  let root: string
  let model: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'bifocal-open-files-'))
    model = (await writeRandomTwins(root)).ar
    await buildCli()
  }, 400_000)
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  /** The command line under a limit of open files. */
  const limited = (limit: number, args: readonly string[]) =>
    spawnSync('sh', ['-c', `ulimit -n ${limit} && exec "$@"`, 'sh', process.execPath, main, ...args], {
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    })

  const commands: [string, (model: string) => string[]][] = [
    ['embed', (dir) => ['embed', dir, '--text', 'a cat']],
    ['inspect', (dir) => ['inspect', dir]],
    ['verify', (dir) => ['verify', dir]],
    ['study', (dir) => ['study', '--out', join(dir, 'study')]],
  ]

  test.each(commands)('%s with 64 files', (_, args) => {
    const { status, stderr } = limited(64, args(model))
    expect(stderr).toMatch(/^error \[file\/open-files\]: .*\n {2}hint: Raise the limit.*ulimit -n.*\n$/)
    expect(status).toBe(1)
  })

  test('with --json as JSON', () => {
    const { stderr } = limited(64, ['inspect', model, '--json'])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'file/open-files', exitCode: 1 } })
  })
})
