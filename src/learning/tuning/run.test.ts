/**
 * @file Whole tunings of tiny random models: chunks change no gradient, a killed run ends alike,
 * bad pairs are left out, and the best values are kept.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { keyed, type Picture } from '../../inputs/data/item.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import type { Pair } from '../../inputs/data/task.ts'
import { MediaError } from '../../inputs/media/errors.ts'
import { openSubject } from '../../models/embedder/subject.ts'
import { optimizerSettings, scheduleSettings } from '../training/settings.ts'
import { fixedPlan, sampledPlan } from './batches.ts'
import { makeLoss } from './losses/make.ts'
import { lossSettings } from './losses/settings.ts'
import { runTuning, type TuningRun, type TuningUpdate } from './run.ts'
import { type TrainSettings, trainSettings } from './trained/settings.ts'
import { openTrained } from './trained/trained.ts'
import { trainedReadouts, tunableModel } from './tunable.ts'

let dir = ''
let folder = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-run-'))
  folder = (await writeRandomTwins(dir)).ar
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const words = ['red', 'green', 'blue', 'black']
const colours = [
  [220, 20, 20],
  [20, 200, 20],
  [20, 20, 220],
  [10, 10, 10],
]

/** Pictures that are decoded now and were not let go: none may be decoded before its chunk runs. */
const decoded: string[] = []

function picture(colour: number, grain: number): Picture {
  const key = `${words[colour]} ${grain}`
  return {
    key,
    read() {
      decoded.push(key)
      const random = stream('grain', colour, grain)
      const data = Uint8Array.from(
        { length: 48 * 48 * 3 },
        (_, i) => colours[colour]![i % 3]! + Math.floor(random() * 30),
      )
      return { width: 48, height: 48, data }
    },
  }
}

const broken: Picture = {
  key: 'broken',
  read: () => {
    throw new MediaError('damaged', { message: 'broken.png ends too early', hint: 'Fetch it again.' })
  },
}

const textItem = (colour: number) => keyed({ text: words[colour] })
const imageItem = (colour: number, grain: number) =>
  keyed({ instruction: 'What colour is it?', image: picture(colour, grain) })
const named: Pair[] = Array.from({ length: 24 }, (_, i) => ({
  query: imageItem(i % 4, i),
  target: textItem(i % 4),
  negatives: [textItem((i + 1) % 4)],
}))
const found: Pair[] = Array.from({ length: 8 }, (_, i) => ({
  query: textItem(i % 4),
  target: imageItem(i % 4, i),
  negatives: [],
}))
const sources = [memorySource('name it', named), memorySource('find it', found)]

async function run(name: string, options: Partial<TuningRun> = {}, train: Partial<TrainSettings> = {}) {
  const subject = await openSubject(folder, { threads: 1 })
  const model = tunableModel(subject)
  const trained = await openTrained(model, trainSettings.parse({ rank: 8, ...train }), 3)
  const { parameters } = trained
  // Where B is zero, A has no gradient.
  for (const [name, { data }] of Object.entries(parameters))
    if (name.includes('lora_B')) fillNormal(data, 0.05, stream('B', name))
  const updates: TuningUpdate[] = []
  const all: TuningRun = {
    id: 'tiny',
    model,
    modelHash: 'tiny twin',
    trained,
    loss: makeLoss(lossSettings.parse({ temperature: 0.1 })),
    readouts: trainedReadouts(subject),
    sources,
    plan: sampledPlan({ sources, batch: 8, subBatch: 4, seed: 3 }),
    updates: 6,
    optimizer: optimizerSettings.parse({ learningRate: 5e-3 }),
    schedule: scheduleSettings.parse({}),
    clip: 1,
    settings: { seed: 3 },
    dir: join(dir, name),
    threads: 1,
    onUpdate: (update) => updates.push(update),
    ...options,
  }
  const outcome = await runTuning(all)
  return { outcome, updates, parameters, log: readFileSync(outcome.log, 'utf8') }
}

/** The gradients of a first update, each with its own largest magnitude as the measure. */
function expectEqualGradients(found: TuningUpdate, expected: TuningUpdate) {
  expect(found.loss).toBeCloseTo(expected.loss, 4)
  for (const [name, { data }] of Object.entries(expected.gradients)) {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(largest, name).toBeGreaterThan(0)
    expect(found.gradients[name]!.data, name).toBeAllClose(data, { atol: 1e-4 * largest })
  }
}

describe.each<[string, Partial<TrainSettings>]>([
  ['low-rank updates', {}],
  ['dropout', { dropout: 0.3 }],
  ['a trained tower', { targets: 'decoder+projector+tower' }],
  ['a trained tower and dropout', { targets: 'decoder+projector+tower', dropout: 0.3 }],
  ['DoRA', { dora: true }],
  ['all weights', { method: 'all' }],
])('%s', (what, train) => {
  test.each([40, 150])(
    'chunks of %i positions give the gradients of the whole batch',
    async (chunkTokens) => {
      const whole = await run(`whole ${what} ${chunkTokens}`, { updates: 1 }, train)
      const chunked = await run(`chunked ${what} ${chunkTokens}`, { updates: 1, chunkTokens }, train)
      expectEqualGradients(chunked.updates[0]!, whole.updates[0]!)
    },
  )
})

test('dropout changes a step, and no evaluation', async () => {
  const dev = { sources: [sources[0]!], every: 1, keep: 'last' } as const
  // A rate so low that nothing moves.
  const still = { updates: 1, dev, optimizer: optimizerSettings.parse({ learningRate: 1e-30 }) }
  const [plain, dropped] = [await run('no dropout', still), await run('dropout', still, { dropout: 0.4 })]
  expect(dropped.updates[0]!.loss).not.toBeCloseTo(plain.updates[0]!.loss, 3)
  expect(dropped.outcome.evaluations).toEqual(plain.outcome.evaluations)
})

test('an update is the mean of its micro-batches, each with its own negatives', async () => {
  const refs = (rows: number[]) => rows.map((row) => ({ source: 'name it', row }))
  const batches = [refs([0, 1, 2, 3]), refs([4, 5, 6])]
  const [first, second] = await Promise.all(
    batches.map(async (batch, i) => run(`micro ${i}`, { updates: 1, plan: fixedPlan([[batch]]) })),
  )
  const both = await run('both', { updates: 1, plan: fixedPlan([batches]) })
  const [update] = both.updates
  expect(update!.microLosses).toEqual([first!.updates[0]!.loss, second!.updates[0]!.loss])
  expect(update!.loss).toBeCloseTo((update!.microLosses[0]! + update!.microLosses[1]!) / 2, 6)
  for (const [name, { data }] of Object.entries(update!.gradients)) {
    const other = second!.updates[0]!.gradients[name]!.data
    const mean = first!.updates[0]!.gradients[name]!.data.map((value, i) => (value + other[i]!) / 2)
    expect(data, name).toBeAllClose(mean, { atol: 1e-7 })
  }
})

test('pictures of a large batch are decoded when their chunk runs, and no sooner', async () => {
  decoded.length = 0
  const before: number[] = []
  const rows = Array.from({ length: 12 }, (_, row) => ({ source: 'name it', row }))
  const watched = memorySource(
    'name it',
    named.map((pair) => ({ ...pair })),
  )
  await run('decoded', {
    updates: 1,
    chunkTokens: 60,
    sources: [watched],
    plan: fixedPlan([[rows]]),
    onUpdate: () => before.push(decoded.length),
  })
  // Each picture once: its rows are kept, so the backward pass wants no pixels.
  expect(before).toEqual([12])
})

interface Killed extends Partial<TuningRun> {
  accumulate?: number
  scored?: boolean
}

describe('a run that is killed', () => {
  test.each<[string, Killed]>([
    ['in one piece', {}],
    ['by chunks, with micro-batches and dev scores', { chunkTokens: 60, accumulate: 2, scored: true }],
  ])('and goes on ends with the same bytes: %s', async (what, { scored, accumulate, ...options }) => {
    const plan = sampledPlan({ sources, batch: 4, subBatch: 2, accumulate, seed: 3 })
    const all: Partial<TuningRun> = { ...options, plan, dev: scored ? { sources, every: 2 } : undefined }
    const straight = await run(`straight ${what}`, all)
    const stopped = new AbortController()
    const dead = run(`killed ${what}`, {
      ...all,
      signal: stopped.signal,
      onUpdate: ({ update }) => update === 3 && stopped.abort(),
    })
    await expect(dead).rejects.toMatchObject({ code: 'interrupted' })
    const { outcome, log } = await run(`killed ${what}`, all)
    expect(outcome.resumedAt).toBe(3)
    expect(outcome.hash).toBe(straight.outcome.hash)
    expect(log).toBe(straight.log)
    expect(outcome.best).toEqual(straight.outcome.best)
  })

  test('is not taken up with other settings', async () => {
    await run('settings', { updates: 2 })
    await expect(run('settings', { updates: 2, settings: { seed: 4 } })).rejects.toMatchObject({
      code: 'training/other-run',
    })
  })
})

describe('pairs that cannot be read', () => {
  const bad = [...named.slice(0, 7), { query: keyed({ image: broken }), target: textItem(0), negatives: [] }]
  const source = memorySource('name it', bad)
  const plan = fixedPlan([[bad.map((_, row) => ({ source: 'name it', row }))]])

  test.each([
    ['in one piece', 4096],
    ['by chunks', 60],
  ])('are left out and listed: %s', async (what, chunkTokens) => {
    const without = fixedPlan([[named.slice(0, 7).map((_, row) => ({ source: 'name it', row }))]])
    const warnings: string[] = []
    const options = { sources: [source], updates: 2, chunkTokens }
    const { outcome, updates } = await run(`bad ${what}`, {
      ...options,
      plan,
      warn: (message) => warnings.push(message),
    })
    const whole = await run(`without ${what}`, { ...options, plan: without })
    expect(updates.map(({ loss }) => loss)).toEqual(whole.updates.map(({ loss }) => loss))
    expect(updates[0]).toMatchObject({ skipped: 1, sources: { 'name it': 7 } })
    expect(outcome.skipped).toEqual([
      { source: 'name it', row: 7, code: 'media/damaged', message: 'broken.png ends too early' },
    ])
    expect(warnings).toHaveLength(1)
  })

  test('end a strict tuning', async () => {
    await expect(run('strict', { sources: [source], plan, strict: true })).rejects.toMatchObject({
      code: 'tuning/skipped',
      exitCode: 3,
      message: expect.stringContaining('pair 7 of name it'),
    })
  })

  test('end any tuning when they are many', async () => {
    await expect(run('many', { sources: [source], plan, updates: 30 })).rejects.toMatchObject({
      code: 'tuning/skipped',
      message: expect.stringContaining('21 of the 168 pairs'),
    })
  })
})

test('a loss that is no number names the batch, and the values before are kept', async () => {
  const scores = { ...makeLoss(lossSettings.parse({ temperature: { start: 0.1, end: 0.1 } })) }
  const loss = {
    ...scores,
    stepInputs: (update: number, updates: number) =>
      update === 2 ? { log_scale: 200 } : scores.stepInputs(update, updates),
  }
  const at: Partial<TuningRun> = { loss, updates: 4, saveEvery: 1 }
  await expect(run('nan', at)).rejects.toMatchObject({
    code: 'training/not-finite',
    message: expect.stringMatching(/update 3: the loss is NaN.*(name|find) it \d+/),
  })
  expect(
    readFileSync(join(dir, 'nan', 'log.jsonl'), 'utf8')
      .trim()
      .split('\n'),
  ).toHaveLength(2)
})

test('the dev score stops the training, and the best values are those at the end', async () => {
  const optimizer = optimizerSettings.parse({ learningRate: 0.3 })
  const dev = { sources, every: 1, patience: 2 }
  const { outcome, parameters } = await run('early', { updates: 12, optimizer, dev })
  const losses = outcome.evaluations.map(({ figures }) => figures.loss!)
  const best = losses.indexOf(Math.min(...losses))
  expect(outcome).toMatchObject({ stoppedEarly: true, best: { update: best + 1, loss: losses[best] } })
  expect(outcome.updates).toBe(best + 3)
  expect(outcome.dev!.loss).toBe(losses[best])
  const last = await run('early last', { updates: best + 1, optimizer, schedule: scheduleSettings.parse({}) })
  expect(Object.keys(parameters)).toEqual(Object.keys(last.parameters))
})
