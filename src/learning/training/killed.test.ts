/** @file A training in a process of its own that SIGKILL ends several times. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bundle, bundle } from '../../../test/bundle.ts'
import { plainTraining } from '../../../test/plain-training.ts'
import { snapshotPath } from './snapshot.ts'

let built: Bundle
let root: string
beforeAll(async () => {
  built = await bundle({ training: 'test/training-program.ts' })
  root = mkdtempSync(join(tmpdir(), 'bifocal-killed-'))
})
afterAll(async () => {
  await built.remove()
  rmSync(root, { recursive: true, force: true })
})

/** Runs the training; kills it after so many updates of this process. @returns whether it ended */
async function run(dir: string, killAfter: number): Promise<boolean> {
  const child = spawn(process.execPath, [built.file('training'), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (lines.length === killAfter) child.kill('SIGKILL')
  }
  return lines.at(-1) === 'done'
}

test('killed at random updates, it ends with the bytes of a run that was left alone', {
  timeout: 60_000,
}, async () => {
  const straight = join(root, 'straight')
  const { steps } = await plainTraining({ dir: straight })
  const dir = join(root, 'killed')
  // A run saves every 5 updates and is killed after at most 7: it takes several to the end.
  let kills = 0
  while (kills < 5 && !(await run(dir, 1 + Math.ceil(Math.random() * 6)))) kills++
  expect(kills).toBeGreaterThan(2)
  expect(await run(dir, Number.POSITIVE_INFINITY)).toBe(true)
  const bytes = (folder: string, ...path: string[]) => readFileSync(join(folder, ...path)).toString('hex')
  for (const path of ['log.jsonl', 'best.safetensors'])
    expect(bytes(dir, path), path).toBe(bytes(straight, path))
  expect(readFileSync(snapshotPath(join(dir, 'snapshots'), steps))).toEqual(
    readFileSync(snapshotPath(join(straight, 'snapshots'), steps)),
  )
})
