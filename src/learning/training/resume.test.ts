/**
 * @file A training that ends at any moment goes on as if nothing had happened: every state that the
 * folder passes through is taken up again.
 */

import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type PlainTraining, plainTraining, STEPS } from '../../../test/plain-training.ts'
import { temporaryPath } from '../../foundation/files/temporary.ts'
import { latestSnapshot, snapshotPath } from './snapshot.ts'
import { readTimes } from './times.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-resume-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The name under which a process that has ended was writing `path`. */
const left = (path: string) => temporaryPath(path).replace(`.${process.pid}@`, '.99999999@')

let count = 0
const folder = () => join(root, String(count++))

/** Everything that must not depend on how often a run was stopped. */
function endOf(dir: string, steps: number) {
  const bytes = (path: string) => readFileSync(path).toString('hex')
  return {
    log: readFileSync(join(dir, 'log.jsonl'), 'utf8'),
    best: bytes(join(dir, 'best.safetensors')),
    last: bytes(snapshotPath(join(dir, 'snapshots'), steps)),
  }
}

describe('a kill between any two writes', () => {
  /** Copies of the folder at every moment between two writes. */
  const states: string[] = []
  let end: ReturnType<typeof endOf>
  let steps: number
  beforeAll(async () => {
    const dir = folder()
    const copy = () => {
      const to = folder()
      cpSync(dir, to, { recursive: true, force: true })
      states.push(to)
    }
    mkdirSync(dir)
    const watch: Partial<PlainTraining> = {
      onStep: copy,
      onUpdate: copy,
      onProgress: copy,
      onEvaluation: copy,
    }
    steps = (await plainTraining({ dir, ...watch })).steps
    copy()
    end = endOf(dir, steps)
  })

  test('the run stops early, so that its evaluations decide', () => {
    expect(steps).toBeLessThan(STEPS)
    expect(steps).toBeGreaterThan(10)
    expect(states.length).toBeGreaterThan(3 * steps)
  })

  test.prop([fc.nat(), fc.constantFrom('whole', 'cut line', 'half a snapshot'), fc.nat({ max: 80 })], {
    numRuns: 150,
    seed: 1,
  })('ends with the same bytes', async (at, damage, bytes) => {
    const dir = folder()
    cpSync(states[at % states.length]!, dir, { recursive: true })
    // A kill loses no written byte, but the write that it interrupts may leave a part.
    if (damage === 'cut line')
      appendFileSync(join(dir, 'log.jsonl'), '{"step":99,"loss":0.12345678'.slice(0, bytes))
    if (damage === 'half a snapshot') {
      mkdirSync(join(dir, 'snapshots'), { recursive: true })
      writeFileSync(left(snapshotPath(join(dir, 'snapshots'), 99)), 'x'.repeat(bytes))
    }
    await plainTraining({ dir })
    expect(endOf(dir, steps)).toEqual(end)
    expect(readdirSync(join(dir, 'snapshots'))).toHaveLength(2)
    rmSync(dir, { recursive: true })
  })
})

describe('the log is part of the state', () => {
  test('a line of an update that was done is missing: refused', async () => {
    const dir = folder()
    await plainTraining({ dir })
    const log = join(dir, 'log.jsonl')
    const lines = readFileSync(log, 'utf8').split('\n')
    writeFileSync(log, lines.filter((line) => !line.startsWith('{"step":3,')).join('\n'))
    await expect(plainTraining({ dir })).rejects.toMatchObject({
      code: 'training/log',
      message: expect.stringContaining(log),
    })
  })

  test('a line has figures, the norm and the rate of each group, no time', async () => {
    const dir = folder()
    await plainTraining({ dir })
    const [first, second] = readFileSync(join(dir, 'log.jsonl'), 'utf8').split('\n')
    expect(JSON.parse(first!)).toMatchObject({
      step: 1,
      batch: 0,
      learningRates: { bias: 0, 'all others': 0 },
    })
    const { learningRates, gradientNorm, ...rest } = JSON.parse(second!)
    expect(learningRates.bias).toBeCloseTo(0.2 / 3, 10)
    expect(gradientNorm).toBeGreaterThan(0)
    expect(Object.keys(rest)).toEqual(['step', 'loss', 'batch'])
  })

  test('times have a file of their own, with those of all runs', async () => {
    const dir = folder()
    const stop = new AbortController()
    await plainTraining({
      dir,
      signal: stop.signal,
      onProgress: ({ step }) => step === 7 && stop.abort(),
    }).catch(() => {})
    await plainTraining({ dir })
    const times = await readTimes(join(dir, 'times.jsonl'))
    const updates = times.flatMap(({ step, kind }) => (kind === 'update' ? [step] : []))
    expect(updates).toEqual(updates.map((_, i) => i + 1))
    expect(times.filter(({ kind }) => kind === 'evaluation').length).toBeGreaterThan(2)
    expect(times.every(({ seconds }) => seconds >= 0 && seconds < 60)).toBe(true)
  })
})

describe('values that are not finite', () => {
  test('stop the training with the rows of the batch; values that overflowed are not saved', async () => {
    const dir = folder()
    const warnings: string[] = []
    await plainTraining({ dir })
    const before = await latestSnapshot(join(dir, 'snapshots'))
    const broken = folder()
    const run = plainTraining({ dir: broken, learningRate: 1e160, warn: (text) => warnings.push(text) })
    await expect(run).rejects.toMatchObject({
      code: 'training/not-finite',
      message: expect.stringMatching(/^step 2 \(rows of batch 2\): the loss is (NaN|Infinity)/),
    })
    expect(warnings).toEqual([
      expect.stringMatching(/could not be saved: values are not finite after 2 updates, in .*weight/),
    ])
    expect(await latestSnapshot(join(broken, 'snapshots'))).toBeUndefined()
    expect(before?.parameters.weight?.data.every(Number.isFinite)).toBe(true)
  })
})
