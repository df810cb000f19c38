/** @file `tune` as programs call it, on a tiny random model: the folder, and refusals. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { Embedder } from '../../../models/embedder/embedder.ts'
import { planTune, type TuneOptions, tune } from './tune.ts'

const pairs = fileURLToPath(new URL('../../../../packages/twins/pairs/pairs.jsonl', import.meta.url))

let root: string
let model: string
const at = (name: string) => join(root, name)
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-tune-library-'))
  model = (await writeRandomTwins(at('twins'))).ar
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const settings = (out: string, more: Partial<TuneOptions> = {}): TuneOptions => ({
  model,
  data: pairs,
  out: at(out),
  steps: 2,
  batch: { size: 6 },
  train: { rank: 2 },
  dev: { share: 0.3 },
  threads: 1,
  ...more,
})

async function vectorOf(folder: string): Promise<readonly number[]> {
  const embedder = await Embedder.load(folder, { threads: 1 })
  try {
    const { vectors } = await embedder.embed(['a dog'])
    return Array.from(vectors.data)
  } finally {
    await embedder.close()
  }
}

describe('the folder', () => {
  test('of whole weights is a checkpoint', async () => {
    const strong = { optimizer: { learningRate: 0.05 }, schedule: { warmup: 0 }, dev: { share: 0 } }
    const { written } = await tune(settings('whole', { train: { method: 'all' }, ...strong }))
    expect(readdirSync(written)).toEqual(
      expect.arrayContaining(['config.json', 'embedder.json', 'README.md']),
    )
    expect(await vectorOf(written)).not.toEqual(await vectorOf(model))
  }, 60_000)

  test('of a random decoder holds its record and no embedder', async () => {
    const { written, record } = await tune(settings('control', { randomDecoder: true }))
    expect(readdirSync(written).sort()).toEqual(['metrics.jsonl', 'tune.yaml', 'tuning.json'])
    expect(record.evaluations).not.toEqual([])
  }, 60_000)

  test('has event files where they are wanted', async () => {
    const { written } = await tune(settings('events', { tensorboard: true }))
    expect(readdirSync(join(written, 'events')).join()).toMatch(/tfevents/)
  }, 60_000)

  test('names pairs that could not be read, in its record and its card', async () => {
    const rows = readFileSync(pairs, 'utf8').trim().split('\n')
    const bad = [...rows.slice(0, 8), '{"query":{"image":"absent.png"},"target":"a ghost"}']
    const dir = fileURLToPath(new URL('../../../../packages/twins/pairs', import.meta.url))
    const lines = bad.map((line) => line.replace(/"image":"(?!absent)/, `"image":"${dir}/`))
    writeFileSync(at('bad.jsonl'), lines.join('\n'))
    const more = { data: at('bad.jsonl'), dev: { share: 0 }, batch: { size: 3 }, steps: 4 }
    const { written, record } = await tune(settings('skipped', more))
    expect(record.skipped).toMatchObject({ pairs: 1, first: [{ row: 8, code: 'file/missing' }] })
    expect(readFileSync(join(written, 'README.md'), 'utf8')).toContain('1 pairs could not be read')
  }, 60_000)
})

describe('a run that was stopped', () => {
  test('between the last update and the name of the folder is finished', async () => {
    const whole = await tune(settings('named'))
    const stop = new AbortController()
    const options = settings('unnamed', {
      saveEvery: 1,
      signal: stop.signal,
      onProgress: ({ done, total }) => done === total && stop.abort(),
    })
    await expect(tune(options)).rejects.toMatchObject({ code: 'interrupted' })
    // A draft that was half written.
    mkdirSync(at('unnamed.work.new'))
    writeFileSync(at('unnamed.work.new/adapter_model.safetensors'), 'half')
    const { written, record } = await tune(settings('unnamed', { saveEvery: 1 }))
    const adapter = (folder: string) => readFileSync(join(folder, 'adapter_model.safetensors'))
    expect(adapter(written).equals(adapter(whole.written))).toBe(true)
    expect(record.took.resumedAt).toEqual([2])
    expect(existsSync(at('unnamed.work')) || existsSync(at('unnamed.work.new'))).toBe(false)
  }, 90_000)

  test('goes on from the snapshot before a damaged one, and its record says from which', async () => {
    const stop = new AbortController()
    const onProgress = ({ done, total }: { done: number; total: number }) => done === total && stop.abort()
    const options = { saveEvery: 1, dev: { share: 0 } }
    await expect(
      tune(settings('damaged', { ...options, signal: stop.signal, onProgress })),
    ).rejects.toMatchObject({ code: 'interrupted' })
    const snapshots = at('damaged.work/snapshots')
    const newest = readdirSync(snapshots).sort().at(-1)!
    writeFileSync(join(snapshots, newest), 'half')
    const { record } = await tune(settings('damaged', options))
    expect(record.took.resumedAt).toEqual([1])
  }, 60_000)

  test('before its first snapshot may go on with other settings', async () => {
    const stop = new AbortController()
    const onPlan = () => stop.abort()
    await expect(tune(settings('early', { signal: stop.signal, onPlan }))).rejects.toMatchObject({
      code: 'interrupted',
    })
    await expect(tune(settings('early', { train: { rank: 3 } }))).resolves.toBeDefined()
  }, 60_000)
})

describe('refused', () => {
  test('files of somebody else where the work would lie, and they stay', async () => {
    mkdirSync(at('mine.work'))
    writeFileSync(at('mine.work/thesis.txt'), 'words')
    await expect(tune(settings('mine'))).rejects.toMatchObject({ code: 'tuning/out' })
    expect(readFileSync(at('mine.work/thesis.txt'), 'utf8')).toBe('words')
  }, 60_000)

  test.each([
    [{ onProgres: () => {} }, /there is no option "onProgres"/, 'Did you mean "onProgress"?'],
    [{ train: { rnk: 2 } }, /there is no key train\.rnk/, 'Did you mean "train.rank"?'],
    [{ signal: 'now' }, /signal: expected an AbortSignal/, /./],
  ])('%j', async (more, message, hint) => {
    const given: object = { ...settings('never'), ...more }
    await expect(planTune(given)).rejects.toMatchObject({
      code: 'usage/option',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint instanceof RegExp ? hint : hint.replace(/[?.]/g, '\\$&')),
    })
  })
})
