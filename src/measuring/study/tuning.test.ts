/**
 * @file A study's tuning of tiny random models: the loss falls, a stopped run gives the same bytes,
 * and the tuned state embeds as the folder that it is written to.
 */

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { keyed, type Picture } from '../../inputs/data/item.ts'
import { openTrained } from '../../learning/tuning/trained/trained.ts'
import { trainedReadouts, tunableModel } from '../../learning/tuning/tunable.ts'
import { writeTrained } from '../../learning/tuning/tuned-folder.ts'
import { writeContract } from '../../models/embedder/contract.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { contentHashOf } from '../../models/embedder/fingerprint.ts'
import { SequenceInputs } from '../../models/embedder/sequence-inputs.ts'
import { fingerprintParts, type LoadOptions, openSubject, withState } from '../../models/embedder/subject.ts'
import { type ModelWeights, randomDecoder } from '../../models/families/model-weights.ts'
import { type TrainingRows, tuneForStudy, tuningSettings } from './tuning.ts'

let dir = ''
const folders = { tower: '', ar: '', diffusion: '' }
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-tune-'))
  Object.assign(folders, await writeRandomTwins(dir))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const words = ['red', 'green', 'blue', 'black']
const colours = [
  [220, 20, 20],
  [20, 200, 20],
  [20, 20, 220],
  [10, 10, 10],
]

function picture(colour: number, grain: number): Picture {
  const random = stream('grain', colour, grain)
  const data = Uint8Array.from(
    { length: 48 * 48 * 3 },
    (_, i) => colours[colour]![i % 3]! + Math.floor(random() * 30),
  )
  return { key: `${words[colour]} ${grain}`, read: () => ({ width: 48, height: 48, data }) }
}

const textItem = (colour: number) => keyed({ text: words[colour] })
const imageItem = (colour: number, grain: number) =>
  keyed({ instruction: 'What colour is it?', image: picture(colour, grain) })
const rows: TrainingRows[] = [
  {
    name: 'name it',
    weight: 1,
    pairs: Array.from({ length: 24 }, (_, i) => ({
      query: imageItem(i % 4, i),
      target: textItem(i % 4),
      negatives: [textItem((i + 1) % 4)],
    })),
  },
  {
    name: 'find it',
    weight: 1,
    pairs: Array.from({ length: 8 }, (_, i) => ({
      query: textItem(i % 4),
      target: imageItem(i % 4, i),
      negatives: [],
    })),
  },
]
const { train: lora, ...recipe } = tuningSettings({
  steps: 24,
  batch: { size: 8, subBatch: 4, negatives: 1 },
  train: { rank: 8, alpha: 16 },
})
const settings = {
  ...recipe,
  train: lora,
  optimizer: { ...recipe.optimizer, learningRate: 0.02, restLearningRate: 5e-3 },
  loss: { ...recipe.loss, temperature: { start: 0.2, end: 0.1, share: 0.5 } },
}
const whole = { ...lora, method: 'all' as const }
const seed = 3

/** A model as a study opens it: what `tune` wants of it, and the subject itself. */
async function open(path: string, options: LoadOptions = {}) {
  const subject = await openSubject(path, { threads: 1, ...options })
  const model = tunableModel(subject)
  const readouts = trainedReadouts(subject)
  const inputs = await SequenceInputs.open(model.model, {
    ...subject.encoder,
    readouts: Object.values(readouts),
    remember: true,
  })
  const modelHash = await contentHashOf(fingerprintParts(subject))
  return { subject, id: 'tiny', model, modelHash, readouts, inputs }
}

describe.each(['ar', 'diffusion'] as const)('%s', (twin) => {
  test.each([
    ['low-rank updates', lora],
    ['all weights', whole],
  ])('the loss falls with %s', async (what, train) => {
    const opened = await open(folders[twin])
    const { lossCurve } = await tuneForStudy({
      ...opened,
      rows,
      seed,
      settings: { ...settings, train },
      dir: join(dir, `falls ${twin} ${what}`),
    })
    const mean = (values: readonly [number, number][]) =>
      values.reduce((sum, [, loss]) => sum + loss, 0) / values.length
    expect(lossCurve).toHaveLength(settings.steps)
    expect(mean(lossCurve.slice(-5))).toBeLessThan(0.8 * mean(lossCurve.slice(0, 5)))
    await opened.inputs.close()
  })
})

test('a run that is stopped and goes on ends with the same bytes', async () => {
  const straight = await tuneForStudy({
    ...(await open(folders.ar)),
    rows,
    settings,
    seed,
    dir: join(dir, 'straight'),
  })
  const stopped = new AbortController()
  const at = { ...(await open(folders.ar)), rows, settings, seed, dir: join(dir, 'stopped') }
  const run = tuneForStudy({
    ...at,
    signal: stopped.signal,
    onUpdate: ({ update }) => update === 9 && stopped.abort(),
  })
  await expect(run).rejects.toMatchObject({ code: 'interrupted' })
  const resumed = await tuneForStudy({ ...at, ...(await open(folders.ar)) })
  expect(resumed.resumedAt).toBe(9)
  expect(resumed.hash).toBe(straight.hash)
  expect(resumed.lossCurve).toEqual(straight.lossCurve)
})

test.each([
  ['settings', { seed: 4 }],
  ['another model', { modelHash: 'abc' }],
])('snapshots of %s are refused', async (_, other) => {
  const at = { ...(await open(folders.ar)), rows, settings, seed, dir: join(dir, 'straight') }
  await expect(tuneForStudy({ ...at, ...other })).rejects.toMatchObject({ code: 'training/other-run' })
})

describe('the tuned state', () => {
  const items = [textItem(0), imageItem(1, 0), textItem(2), imageItem(3, 5)]

  /** Vectors of each trained readout, in the state of some weights. */
  async function vectorsOf(opened: Awaited<ReturnType<typeof open>>, weights: ModelWeights) {
    const { subject, readouts, inputs } = opened
    const embedder = await Embedder.over(withState(subject, { weights, readouts }), inputs)
    const made = await embedder.embed(items)
    await embedder.close()
    return made.readouts
  }

  test.each([
    ['low-rank updates', lora],
    ['all weights', whole],
  ])('is that of the plain weights before the first step: %s', async (_, train) => {
    const opened = await open(folders.diffusion)
    const trained = await openTrained(opened.model, train, 1)
    const plain = await vectorsOf(opened, opened.model.weights)
    const tuned = await vectorsOf(opened, trained.tuned())
    for (const name of ['mean', 'last'])
      expect(tuned[name]!.data, name).toBeAllClose(plain[name]!.data, { atol: 1e-6 })
    await opened.inputs.close()
  })

  test.each(['ar', 'diffusion'] as const)(
    '%s: gives the bytes of the folder that it is written to, live and merged apart',
    async (twin) => {
      const opened = await open(folders[twin])
      const { trained } = await tuneForStudy({
        ...opened,
        rows,
        seed,
        settings: { ...settings, steps: 6 },
        dir: join(dir, `written ${twin}`),
      })
      const tuned = await vectorsOf(opened, trained.tuned())
      const folder = join(dir, `tuned ${twin}`)
      const readout = opened.readouts.mean!
      await writeTrained(folder, { model: opened.model, trained, readout })
      const embedded = async (options: LoadOptions) => {
        const embedder = await Embedder.load(folder, { threads: 1, ...options })
        const { vectors } = await embedder.embed(items)
        await embedder.close()
        return vectors.data
      }
      expect(Array.from(await embedded({}))).toEqual(Array.from(tuned.mean!.data))
      const merged = await embedded({ adapterMode: 'merged' })
      expect(merged).toBeAllClose(tuned.mean!.data, { atol: 1e-5 })
      const plain = await vectorsOf(opened, opened.model.weights)
      expect(tuned.mean!.data).not.toBeAllClose(plain.mean!.data, { atol: 1e-3 })
      await opened.inputs.close()
    },
  )

  test('a random decoder keeps tower and projector, and can be tuned', async () => {
    const opened = await open(folders.ar)
    const { model } = opened
    const weights = randomDecoder({ base: model.weights, model: model.model, seed: 5 })
    const projector = 'multi_modal_projector.linear_1.weight'
    expect(await weights.read(projector)).toEqual(await model.weights.read(projector))
    const layer = 'language_model.layers.0.mlp.up_proj.weight'
    expect(await weights.read(layer)).not.toEqual(await model.weights.read(layer))
    const { lossCurve } = await tuneForStudy({
      ...opened,
      model: { ...model, weights },
      modelHash: 'random 5',
      rows,
      seed,
      settings: { ...settings, steps: 3 },
      dir: join(dir, 'random'),
    })
    expect(lossCurve).toHaveLength(3)
    await opened.inputs.close()
  })
})

test('a folder that was moved finds its base, by the path that PEFT reads; another base is refused', async () => {
  const opened = await open(folders.ar)
  const trained = await openTrained(opened.model, lora, 1)
  const folder = join(dir, 'here', 'tuned')
  await writeTrained(folder, { model: opened.model, trained, readout: opened.readouts.last! })
  const moved = join(dir, 'somewhere', 'else', 'entirely')
  mkdirSync(dirname(moved), { recursive: true })
  renameSync(folder, moved)
  expect((await openSubject(moved)).encoder.checkpoint.dir).toBe(folders.ar)
  const config: unknown = JSON.parse(readFileSync(join(moved, 'adapter_config.json'), 'utf8'))
  expect(config).toMatchObject({ base_model_name_or_path: folders.ar })
  const contract = join(moved, 'embedder.json')
  const path = relative(moved, folders.diffusion)
  writeFileSync(contract, readFileSync(contract, 'utf8').replace(/"path": "[^"]*"/, `"path": "${path}"`))
  // A wrong folder at the path does not count either, as long as the right one can be found.
  expect((await openSubject(moved)).encoder.checkpoint.dir).toBe(folders.ar)
  writeFileSync(
    join(moved, 'adapter_config.json'),
    readFileSync(join(moved, 'adapter_config.json'), 'utf8').replace(folders.ar, folders.diffusion),
  )
  await expect(openSubject(moved)).rejects.toMatchObject({ code: 'embedder/base', exitCode: 3 })
})

test('a tuning reads items as the contract says, and trains the pooling that it decides', async () => {
  const folder = join(dir, 'own prompt')
  mkdirSync(folder)
  const { contract } = (await openSubject(folders.ar)).encoder
  await writeContract(folder, {
    ...contract,
    base: { path: relative(folder, folders.ar) },
    prompt: { template: 'Query: {instruction} {text}{image}' },
    readout: { ...contract.readout, pool: 'weighted' },
  })
  const opened = await open(folder)
  expect((await opened.inputs.prepare(imageItem(1, 0))).prompt).toBe('Query: What colour is it? <image>')
  expect(Object.keys(opened.readouts)).toEqual(['weighted'])
  const { lossCurve } = await tuneForStudy({
    ...opened,
    rows,
    seed,
    settings: { ...settings, steps: 2 },
    dir: join(dir, 'own prompt tuning'),
  })
  expect(lossCurve.every(([, loss]) => Number.isFinite(loss))).toBe(true)
  await opened.inputs.close()
})

test('a model with an adapter is refused, with what to do', async () => {
  await expect(open(join(dir, 'tuned ar'))).rejects.toMatchObject({
    code: 'tuning/adapted',
    message: expect.stringContaining(join(dir, 'tuned ar')),
    hint: expect.stringContaining('--no-tune'),
  })
})

test('a rank above the width is refused', async () => {
  const { model } = await open(folders.ar)
  await expect(openTrained(model, { ...lora, rank: 1_000_000 }, 3)).rejects.toMatchObject({
    code: 'tuning/rank',
    exitCode: 2,
  })
})

test('a dual encoder is refused', async () => {
  await expect(open(folders.tower)).rejects.toMatchObject({
    code: 'tuning/subject',
    exitCode: 2,
  })
})
