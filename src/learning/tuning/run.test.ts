/**
 * @file Whole tunings of tiny random models: a killed run ends alike, bad pairs are left out, and
 * the best values are kept.
 */

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { broken, decoded, named, sources, textItem, tinyTunings } from '../../../test/tiny-tuning.ts'
import { keyed } from '../../inputs/data/item.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import { optimizerSettings, scheduleSettings } from '../training/settings.ts'
import { fixedPlan, sampledPlan } from './batches.ts'
import { makeLoss } from './losses/make.ts'
import { lossSettings } from './losses/settings.ts'
import type { TuningRun, TuningUpdate } from './run.ts'

const run = tinyTunings()

test('the loss falls', async () => {
  const { updates } = await run('falls', { updates: 24 })
  const mean = (list: TuningUpdate[]) => list.reduce((sum, { loss }) => sum + loss, 0) / list.length
  expect(mean(updates.slice(-5))).toBeLessThan(0.8 * mean(updates.slice(0, 5)))
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

  test.each<[string, Killed]>([
    ['after a snapshot', { saveEvery: 2 }],
    ['before the first snapshot', { saveEvery: 50, chunkTokens: 60 }],
  ])('without a word, %s, ends alike too', async (what, options) => {
    const plan = sampledPlan({ sources, batch: 4, subBatch: 2, seed: 3 })
    const all: Partial<TuningRun> = { ...options, plan, dev: { sources, every: 2 } }
    const [own, dead] = ['own', 'dead'].map((name) => join(tmpdir(), `bifocal-${name}-${process.pid}`))
    // The files of a run as they are between two updates: all that a SIGKILL leaves.
    const straight = await run(`alone, ${what}`, {
      ...all,
      dir: own!,
      onUpdate: ({ update }) => {
        if (update === 5) cpSync(own!, dead!, { recursive: true })
      },
    })
    const resumed = await run(`resumed, ${what}`, { ...all, dir: dead! })
    for (const dir of [own!, dead!]) rmSync(dir, { recursive: true })
    expect(resumed.outcome.resumedAt).toBe(what === 'after a snapshot' ? 4 : 0)
    expect(resumed.outcome.hash).toBe(straight.outcome.hash)
    expect(resumed.log).toBe(straight.log)
    expect(resumed.outcome.best).toEqual(straight.outcome.best)
  })

  test('is not taken up with other settings', async () => {
    await run('settings', { updates: 2 })
    const resumed: number[] = []
    const onResume = (updates: number) => resumed.push(updates)
    const other = run('settings', { updates: 2, settings: { seed: 4 }, onResume })
    await expect(other).rejects.toMatchObject({ code: 'training/other-run' })
    expect(resumed).toEqual([])
  })

  test('says after which update it goes on: that of a snapshot which can be read', async () => {
    const warnings: string[] = []
    const resumed: number[] = []
    const { outcome } = await run('damaged', { updates: 2, saveEvery: 1 })
    const last = join(dirname(outcome.log), 'snapshots/step-00000002.safetensors')
    writeFileSync(last, readFileSync(last).subarray(0, 100))
    await run('damaged', {
      updates: 2,
      saveEvery: 1,
      onResume: (updates) => resumed.push(updates),
      warn: (message) => warnings.push(message),
    })
    expect(resumed).toEqual([1])
    expect(warnings.join()).toContain('going on from the snapshot before')
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
  const done: number[] = []
  const at: Partial<TuningRun> = { loss, updates: 4, onUpdate: ({ update }) => done.push(update) }
  await expect(run('nan', at)).rejects.toMatchObject({
    code: 'training/not-finite',
    message: expect.stringMatching(/update 3: the loss is NaN.*(name|find) it \d+/),
  })
  expect(done).toEqual([1, 2])
})

test('the model is scored before the first update where that is wanted, and the score decides nothing', async () => {
  const dev = { sources, every: 2 }
  const plain = await run('without a first score', { updates: 4, dev })
  const scored = await run('with a first score', { updates: 4, dev: { ...dev, first: true } })
  expect(scored.outcome.evaluations.map(({ step }) => step)).toEqual([0, 2, 4])
  expect(scored.outcome.evaluations.slice(1)).toEqual(plain.outcome.evaluations)
  expect(scored.outcome.evaluations[0]!.figures.loss).not.toBe(plain.outcome.evaluations[0]!.figures.loss)
  expect(scored.outcome.hash).toBe(plain.outcome.hash)
  const spoilt = { updates: 2, optimizer: optimizerSettings.parse({ learningRate: 3 }) }
  const worse = await run('a first score that is the best', {
    ...spoilt,
    dev: { sources, every: 1, first: true },
  })
  const losses = worse.outcome.evaluations.map(({ figures }) => figures.loss!)
  expect(losses[0]).toBe(Math.min(...losses))
  expect(worse.outcome.best!.update).toBeGreaterThan(0)
})

test('hit@1 decides where it is asked to', async () => {
  const dev = { sources, every: 1, metric: 'hit1' } as const
  const optimizer = optimizerSettings.parse({ learningRate: 0.05 })
  const { outcome } = await run('by hit@1', { updates: 8, optimizer, dev })
  const hits = outcome.evaluations.map(({ figures }) => figures.hit1!)
  const losses = outcome.evaluations.map(({ figures }) => figures.loss!)
  const best = hits.indexOf(Math.max(...hits))
  expect(outcome.best).toMatchObject({ update: best + 1, hit1: hits[best] })
  // Else the test could not tell the two figures apart.
  expect(best).not.toBe(losses.indexOf(Math.min(...losses)))
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
