/**
 * @file Runs of `bifocal embed` that are killed or interrupted, or that nobody writes to or reads
 * from.
 */

import { spawn, spawnSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildCli, runCli, startCli } from '../../test/built-cli.ts'
import { type CliFiles, writeCliFiles } from '../../test/cli-files.ts'
import { makeNamedPipe } from '../../test/named-pipe.ts'
import { loadSafetensors } from '../models/checkpoint/safetensors.ts'

let files: CliFiles
let model: string
const at = (name: string) => files.at(name)

beforeAll(async () => {
  files = await writeCliFiles()
  model = files.model
  await buildCli()
}, 400_000)
afterAll(() => files.remove())

test('goes on where a killed run stopped', async () => {
  writeFileSync(at('long.jsonl'), Array.from({ length: 4000 }, (_, i) => `{"text":"a cat ${i}"}`).join('\n'))
  const out = at('long.safetensors')
  const args = ['embed', model, '--input', at('long.jsonl'), '--out', out]
  const child = startCli(args)
  const closed = new Promise((resolve) => child.on('close', resolve))
  const kill = setInterval(
    () => existsSync(`${out}.journal`) && statSync(`${out}.journal`).size > 10_000 && child.kill('SIGKILL'),
    5,
  )
  await closed
  clearInterval(kill)
  expect(existsSync(out)).toBe(false)
  const { code, stderr } = await runCli(args)
  expect(stderr).toMatch(/goes on: \d+ vectors of an earlier run are kept/)
  expect(code).toBe(0)
  expect((await loadSafetensors(out)).get('vectors')!.dims).toEqual([4000, 24])
})

test('an interruption ends it with 130 and no file', async () => {
  writeFileSync(
    at('many.jsonl'),
    Array.from({ length: 40_000 }, (_, i) => `{"text":"a cat ${i}"}`).join('\n'),
  )
  const child = startCli([
    'embed',
    model,
    '--input',
    at('many.jsonl'),
    '--out',
    at('many.npy'),
    '--threads',
    '1',
  ])
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
    // Not before the work goes on: the first words are its progress.
    if (/embed \d+\/40000/.test(said) && !child.killed) child.kill('SIGINT')
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect(code).toBe(130)
  expect(said).toMatch(/interrupted/)
  expect(existsSync(at('many.npy'))).toBe(false)
})

test('a second interruption ends it at once', async () => {
  const child = startCli([
    'embed',
    model,
    '--input',
    at('many.jsonl'),
    '--out',
    at('many.npy'),
    '--threads',
    '2',
  ])
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
    if (/embed \d+\/40000/.test(said)) child.kill('SIGINT')
  })
  const ended = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))
  expect(['SIGINT', 130]).toContain(ended)
  expect(existsSync(at('many.npy'))).toBe(false)
})

describe.runIf(process.platform === 'linux')('takes a pipe by its path', () => {
  const pipe = (name: string) => {
    makeNamedPipe(at(name))
    return ['embed', model, '--input', at(name), '--dims', '2', '--json']
  }

  /** The pipe, once a process has opened it to read. */
  const opened = async (path: string): Promise<number> => {
    for (;;) {
      try {
        return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
  }

  test('also of a writer that comes later', async () => {
    const result = runCli(pipe('late.jsonl'))
    setTimeout(() => writeFile(at('late.jsonl'), '{"text":"a cat"}\n'), 500)
    expect(JSON.parse((await result).stdout)).toMatchObject({ usage: { items: 1 } })
  })

  test('and can be interrupted while nobody writes', async () => {
    const child = startCli(pipe('never.jsonl'))
    const closed = new Promise((resolve) => child.on('close', resolve))
    const writer = await opened(at('never.jsonl'))
    child.kill('SIGINT')
    expect(await closed).toBe(130)
    closeSync(writer)
  })
})

test('is quiet when its reader goes away', async () => {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  writeFileSync(
    at('some.jsonl'),
    Array.from({ length: 3000 }, (_, i) => `{"text":"a cat ${i % 7}"}`).join('\n'),
  )
  const child = spawn('bash', [
    '-c',
    `"${process.execPath}" "${main}" embed "${model}" --input "${at('some.jsonl')}" | head -c 10`,
  ])
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  expect(said.replace('3000 items: text\n', '')).toBe('')
})

test.runIf(existsSync('/dev/full'))('says why what it prints cannot be written', () => {
  const full = openSync('/dev/full', 'w')
  const args = [
    fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)),
    'embed',
    model,
    '--text',
    'a cat',
  ]
  const { status, stderr } = spawnSync(process.execPath, args, {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)
  expect(stderr).toMatch(/error \[file\/write\]: stdout cannot be written: .*ENOSPC[\s\S]*hint: /)
  expect(status).toBe(1)
})
