/**
 * @file A small regression trained straight through, stopped and resumed, and broken on purpose.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mul, sub } from '../../engine/graph/elementwise.ts'
import { linear } from '../../engine/graph/matmul.ts'
import { reduceMean } from '../../engine/graph/reduction.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { adamW } from './adamw.ts'
import { gradientGraph, sessionStep } from './gradient.ts'
import type { Identity } from './identity.ts'
import { type TrainingOptions, train } from './loop.ts'
import { muon } from './muon.ts'
import { openOptimizer } from './optimizer.ts'
import { schedule } from './schedule.ts'
import { latestSnapshot, snapshotPath } from './snapshot.ts'
import { judge } from './stopping.ts'

const BATCH = 8
const STEPS = 10

/** `‖x·Wᵀ·scale − y‖²` with a trained matrix and bias and a frozen scale. */
const { compiled, parameters: trained } = gradientGraph((graph) => {
  const x = graph.input('x', 'f32', ['batch', 4])
  const y = graph.input('y', 'f32', ['batch', 3])
  const weight = graph.parameter('weight', 'f32', [3, 4], 'fed')
  const bias = graph.parameter('bias', 'f32', [3], 'fed')
  const difference = sub(linear(mul(x, graph.parameter('scale', 'f32', [4])), weight, bias), y)
  return { loss: reduceMean(mul(difference, difference)), metrics: { bias: reduceMean(bias) } }
})

let session: Session
let root: string
beforeAll(async () => {
  session = await openSession(compiled, {
    weights: memoryWeights({ scale: f32([4], [1, 2, 1, 0.5]) }),
    threads: 1,
  })
  root = mkdtempSync(join(tmpdir(), 'bifocal-training-'))
})
afterAll(async () => {
  await session.close()
  rmSync(root, { recursive: true, force: true })
})

const batch = (step: number) => {
  const x = fillNormal(new Float32Array(BATCH * 4), 1, stream(1, 'x', step))
  const y = Float32Array.from({ length: BATCH * 3 }, (_, i) => x[Math.floor(i / 3) * 4 + (i % 3)]! * 2 + 1)
  return { x: f32([BATCH, 4], x), y: f32([BATCH, 3], y) }
}

interface Trial extends Partial<Omit<TrainingOptions, 'checkpoint'>> {
  folder: string
  every?: number
  identity?: Identity
  feeds?: typeof batch
}

async function trial({ folder, every = 100, identity, feeds = batch, ...options }: Trial) {
  const dir = join(root, folder)
  const log = join(dir, 'log.jsonl')
  const parameters = {
    weight: f32([3, 4], fillNormal(new Float32Array(12), 0.1, stream(2))),
    bias: f32([3], [0, 0, 0]),
  }
  const optimizer = await openOptimizer(parameters, [
    {
      accepts: (_, dims) => dims.length === 2,
      rule: muon({ session: { thread: 'caller', threads: 1 } }),
      learningRate: 0.1,
    },
    { rule: adamW({ weightDecay: 0.01 }), learningRate: 0.1 },
  ])
  const work = train({
    parameters,
    optimizer,
    gradient: sessionStep({ session, parameters, feeds }),
    schedule: schedule({ steps: STEPS, warmup: 2, decay: 'cosine' }),
    steps: STEPS,
    clip: 1,
    checkpoint: { dir, every, identity },
    log,
    ...options,
  })
  const outcome = await work.then(
    (result) => ({ result, error: undefined }),
    (error: unknown) => ({ result: undefined, error }),
  )
  await optimizer.close()
  const bytes = (step: number) => readFileSync(snapshotPath(dir, step))
  return { ...outcome, parameters, dir, bytes, lines: () => readFileSync(log, 'utf8') }
}

const lossesOf = (lines: string) => [...lines.matchAll(/"loss":([^,]+)/g)].map((match) => Number(match[1]))

test('the graph lists what is trained and feeds nothing else', () => {
  expect(trained).toEqual([
    { name: 'weight', dims: [3, 4] },
    { name: 'bias', dims: [3] },
  ])
  expect(compiled.weights.map(({ name }) => name)).toEqual(['scale'])
})

test('a loss without trained parameters is refused', () => {
  expect(() => gradientGraph((graph) => ({ loss: graph.scalar(1) }))).toThrow(
    expect.objectContaining({ code: 'training/no-parameter' }),
  )
})

test('the loss falls, each update is logged once', async () => {
  const { lines } = await trial({ folder: 'falls', steps: 60, schedule: schedule({ steps: 60, warmup: 2 }) })
  const losses = lossesOf(lines())
  expect(losses).toHaveLength(60)
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 20)
})

describe('stopped and resumed', () => {
  const evaluations: number[] = []
  const evaluate = {
    every: 3,
    run: async (step: number) => {
      evaluations.push(step)
      return { score: step / 10 }
    },
  }

  test.each([
    [
      'abort between updates',
      (stop: AbortController) => ({ onProgress: ({ step }: { step: number }) => step === 6 && stop.abort() }),
    ],
    [
      'abort while an evaluation runs',
      (stop: AbortController) => ({
        evaluate: {
          every: 3,
          run: async (step: number) => {
            if (step !== 6) return { score: step / 10 }
            stop.abort()
            stop.signal.throwIfAborted()
            return { score: 0 }
          },
        },
      }),
    ],
  ])('%s: 6 + 4 steps give the bytes of 10', async (name, how) => {
    const straight = await trial({ folder: `${name} straight`, evaluate })
    const stop = new AbortController()
    const first = await trial({ folder: name, evaluate, signal: stop.signal, ...how(stop) } satisfies Trial)
    expect(first.error).toBeInstanceOf(Error)
    expect((await latestSnapshot(first.dir))?.step).toBe(6)
    const second = await trial({ folder: name, evaluate })
    expect(second.result).toMatchObject({ resumedAt: 6, steps: 10, stopped: false })
    expect(second.bytes(10).equals(straight.bytes(10))).toBe(true)
    expect(second.lines()).toBe(straight.lines())
    expect(straight.lines().match(/evaluation/g)).toHaveLength(4)
  })

  test('an abort during a step is an InterruptedError', async () => {
    const stop = new AbortController()
    const feeds = (step: number) => {
      if (step === 4) stop.abort()
      return batch(step)
    }
    const { error } = await trial({ folder: 'during', feeds, signal: stop.signal })
    expect(error).toMatchObject({ code: 'interrupted', exitCode: 130 })
  })

  test('killed without a chance to save: goes on from the last snapshot, drops later lines and a cut one', async () => {
    const straight = await trial({ folder: 'killed straight', every: 4 })
    const dead = await trial({
      folder: 'killed',
      every: 4,
      steps: 7,
      schedule: schedule({ steps: STEPS, warmup: 2, decay: 'cosine' }),
    })
    rmSync(snapshotPath(dead.dir, 7))
    writeFileSync(join(dead.dir, 'log.jsonl'), `${dead.lines()}{"step":8,"lo`)
    const resumed = await trial({ folder: 'killed', every: 4 })
    expect(resumed.result?.resumedAt).toBe(4)
    expect(resumed.bytes(10).equals(straight.bytes(10))).toBe(true)
    expect(resumed.lines()).toBe(straight.lines())
  })

  test('a damaged newest snapshot falls back to the one before, with a warning', async () => {
    const { dir } = await trial({ folder: 'damaged', every: 4 })
    expect(readdirSync(dir).sort()).toEqual([
      'log.jsonl',
      'step-00000008.safetensors',
      'step-00000010.safetensors',
    ])
    truncateSync(snapshotPath(dir, 10), 200)
    const warnings: string[] = []
    const { result } = await trial({ folder: 'damaged', warn: (message) => warnings.push(message) })
    expect(result?.resumedAt).toBe(8)
    expect(warnings).toHaveLength(1)
  })

  test('a snapshot with a changed byte falls back to the one before', async () => {
    const { dir } = await trial({ folder: 'changed', every: 4 })
    const path = snapshotPath(dir, 10)
    const bytes = readFileSync(path)
    bytes[bytes.length - 2]! ^= 1
    writeFileSync(path, bytes)
    const warnings: string[] = []
    const { result } = await trial({ folder: 'changed', warn: (message) => warnings.push(message) })
    expect(result?.resumedAt).toBe(8)
    expect(warnings).toEqual([expect.stringContaining('not those that were written')])
  })

  test('stopped by its evaluations, it ends alike whether or not it was killed before', async () => {
    const scores = [4, 3, 3.5, 3.2, 1]
    const evaluate: TrainingOptions['evaluate'] = {
      every: 2,
      run: async (step) => ({ loss: scores[step / 2 - 1]! }),
      stop: (evaluations) => {
        const losses = evaluations.map(({ step, figures }) => ({ step, value: figures.loss! }))
        return judge(losses, { better: 'lower', patience: 2 }).stopped !== undefined
      },
    }
    const straight = await trial({ folder: 'stops early', evaluate })
    expect(straight.result).toMatchObject({ steps: 8, stopped: true })
    const stopped = new AbortController()
    const first = await trial({
      folder: 'killed, then stops early',
      evaluate,
      signal: stopped.signal,
      onProgress: ({ step }) => step === 7 && stopped.abort(),
    })
    expect(first.error).toMatchObject({ code: 'interrupted' })
    const second = await trial({ folder: 'killed, then stops early', evaluate })
    expect(second.result).toEqual({ ...straight.result, resumedAt: 7 })
    expect(second.lines()).toBe(straight.lines())
    const again = await trial({ folder: 'stops early', evaluate })
    expect(again.result).toEqual({ ...straight.result, resumedAt: 8 })
  })

  test('a finished training is not repeated', async () => {
    await trial({ folder: 'finished' })
    const again = await trial({ folder: 'finished', gradient: async () => expect.unreachable() })
    expect(again.result).toMatchObject({ resumedAt: 10, steps: 10 })
  })
})

describe('what stops a training', () => {
  test('a loss that is not finite: names the step, saves the parameters before it', async () => {
    const feeds = (step: number) =>
      step === 5
        ? { ...batch(step), x: f32([BATCH, 4], new Float32Array(BATCH * 4).fill(Number.NaN)) }
        : batch(step)
    const { error, dir, parameters } = await trial({ folder: 'nan', feeds })
    expect(error).toMatchObject({ code: 'training/not-finite', message: expect.stringContaining('step 5') })
    const saved = await latestSnapshot(dir)
    expect(saved?.step).toBe(5)
    expect(saved?.parameters.weight?.data).toEqual(parameters.weight.data)
    expect(parameters.weight.data.every(Number.isFinite)).toBe(true)
  })

  test('damaged snapshots alone are refused, with the folder to delete', async () => {
    const { dir } = await trial({ folder: 'all-damaged', every: 4 })
    for (const step of [8, 10]) truncateSync(snapshotPath(dir, step), 200)
    const warnings: string[] = []
    const { error } = await trial({ folder: 'all-damaged', warn: (message) => warnings.push(message) })
    expect(error).toMatchObject({
      code: 'training/snapshots',
      exitCode: 3,
      hint: expect.stringContaining(`Delete the folder ${dir}`),
    })
    expect(warnings).toEqual([])
  })

  test('a snapshot of another run is refused', async () => {
    await trial({ folder: 'other', identity: { seed: 1, clip: 1 } })
    const { error } = await trial({ folder: 'other', identity: { seed: 2, clip: 1 } })
    expect(error).toMatchObject({
      code: 'training/other-run',
      message: expect.stringMatching(/10 updates with other settings or data: seed: 1 → 2$/),
    })
  })

  test('a batch that fails is reported at its own step, after the ones before were saved', async () => {
    const feeds = (step: number) => {
      if (step === 3) throw new RangeError('no such picture')
      return batch(step)
    }
    const { error, dir } = await trial({ folder: 'batch', feeds })
    expect(error).toMatchObject({ message: 'no such picture' })
    expect((await latestSnapshot(dir))?.step).toBe(3)
  })
})
