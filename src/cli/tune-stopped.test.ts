/** @file Tunings that are killed or interrupted: the same command goes on to the same bytes. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildCli, runCli, startCli } from '../../test/built-cli.ts'
import { runHere } from '../../test/command-line.ts'
import { writeRandomTwins } from '../../test/random-twins.ts'
import { readTuningRecord } from '../learning/tuning/job/record.ts'

const pairs = fileURLToPath(new URL('../../packages/twins/pairs/pairs.jsonl', import.meta.url))
const KILLS = 2
const STEPS = 50

let root: string
let model: string
const at = (name: string) => join(root, name)
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-tune-stopped-'))
  model = (await writeRandomTwins(at('twins'))).ar
  await buildCli()
}, 300_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

const argumentsFor = (out: string) => {
  const sizes = ['--batch-size', '6', '--steps', String(STEPS), '--rank', '2', '--chunk-tokens', '200']
  const rest = ['--dropout', '0.1', '--save-every', '3', '--dev-share', '0.3', '--dev-every', '10']
  return ['tune', model, '--data', pairs, '--out', out, ...sizes, ...rest, '--threads', '1']
}

/** Updates in the log of a tuning that is not finished. */
function updatesIn(out: string): number {
  const log = `${out}.work/log.jsonl`
  return existsSync(log) ? readFileSync(log, 'utf8').split('"gradientNorm"').length - 1 : 0
}

/** Runs until the log has grown by some updates, then a moment longer, and stops it. */
async function stopped(out: string, signal: 'SIGKILL' | 'SIGINT', moment: number): Promise<number | null> {
  const before = updatesIn(out)
  const child = startCli(argumentsFor(out))
  child.stdout?.resume()
  child.stderr?.resume()
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve))
  const watch = setInterval(() => {
    // A run that went on writes its log anew, shorter by the updates after the snapshot.
    if (updatesIn(out) <= before + 3) return
    clearInterval(watch)
    setTimeout(() => child.kill(signal), moment)
  }, 2)
  const code = await closed
  clearInterval(watch)
  return code
}

const adapterOf = (out: string) => readFileSync(join(out, 'adapter_model.safetensors'))

let whole = ''
beforeAll(async () => {
  whole = at('whole')
  expect((await runCli(argumentsFor(whole))).code).toBe(0)
}, 120_000)

test(`killed ${KILLS} times and interrupted, a tuning ends with the bytes of one that was left alone`, async () => {
  const out = at('killed')
  for (let kill = 0; kill < KILLS; kill++) {
    await stopped(out, 'SIGKILL', Math.random() * 40)
    expect(existsSync(out)).toBe(false)
    expect(updatesIn(out)).toBeGreaterThan(0)
  }
  expect(await stopped(out, 'SIGINT', 0)).toBe(130)
  expect(existsSync(out)).toBe(false)
  const { code, stderr } = await runCli(argumentsFor(out))
  expect([code, stderr]).toEqual([0, expect.stringMatching(/goes on after update \d+/)])
  expect(adapterOf(out).equals(adapterOf(whole))).toBe(true)
  const log = (folder: string) => readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
  expect(log(out)).toBe(log(whole))
  const { trained, took } = await readTuningRecord(join(out, 'tuning.json'))
  expect(trained.sha256).toBe((await readTuningRecord(join(whole, 'tuning.json'))).trained.sha256)
  expect(took.resumedAt.at(-1)).toBeGreaterThan(0)
}, 400_000)

test('settings that were begun with may not change', async () => {
  const out = at('changed')
  await stopped(out, 'SIGKILL', 0)
  const { code, stderr } = await runHere([...argumentsFor(out), '--learning-rate', '0.5'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/tuning\/other-settings.*optimizer\.learningRate: 0\.0001, now 0\.5/)
}, 120_000)
