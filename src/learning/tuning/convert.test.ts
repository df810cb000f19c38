/**
 * @file Conversion of tiny random models: the loss falls, a stopped run gives the same bytes,
 * untuned parameters change nothing.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeRandomTwins } from '../../../test/random-twins.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { keyed, type Picture } from '../../inputs/data/item.ts'
import { type ConversionSettings, type ConversionTask, convert } from './convert.ts'
import { layerReadout, subjectEncoder } from './encoder.ts'
import { pictureFeatures } from './features.ts'
import { sequencesOf } from './sequences.ts'
import { openSubject, type SubjectOptions } from './subject.ts'
import { initialTrained, type TunedPart } from './trained.ts'

let dir = ''
const folders = { tower: '', ar: '', diffusion: '' }
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-convert-'))
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
const tasks: ConversionTask[] = [
  {
    name: 'name it',
    pairs: Array.from({ length: 24 }, (_, i) => ({
      query: imageItem(i % 4, i),
      target: textItem(i % 4),
      negatives: [textItem((i + 1) % 4)],
    })),
  },
  {
    name: 'find it',
    pairs: Array.from({ length: 8 }, (_, i) => ({
      query: textItem(i % 4),
      target: imageItem(i % 4, i),
      negatives: [],
    })),
  },
]
const lora: TunedPart = { tune: 'lora', rank: 8, alpha: 16 }
const settings: ConversionSettings = {
  part: lora,
  steps: 24,
  batch: 8,
  subBatch: 4,
  learningRates: { muon: 0.02, adamw: 5e-3 },
  temperature: { start: 0.2, end: 0.1, share: 0.5 },
  seed: 3,
}

async function open(options: Partial<SubjectOptions> & Pick<SubjectOptions, 'dir'>) {
  const subject = await openSubject({ id: 'tiny', ...options })
  const features = await pictureFeatures(subject, 1)
  return { subject, features, sequences: sequencesOf(subject, features) }
}

describe.each(['ar', 'diffusion'] as const)('%s', (twin) => {
  test.each<[string, TunedPart]>([
    ['low-rank updates', lora],
    ['all weights', { tune: 'all' }],
  ])('the loss falls with %s', async (what, part) => {
    const parts = await open({ dir: folders[twin] })
    const { lossCurve } = await convert({
      ...parts,
      tasks,
      settings: { ...settings, part },
      dir: join(dir, `falls ${twin} ${what}`),
    })
    const mean = (values: [number, number][]) =>
      values.reduce((sum, [, loss]) => sum + loss, 0) / values.length
    expect(lossCurve).toHaveLength(settings.steps)
    expect(mean(lossCurve.slice(-5))).toBeLessThan(0.8 * mean(lossCurve.slice(0, 5)))
    await parts.features.close()
  })
})

test('a run that is stopped and goes on ends with the same bytes', async () => {
  const straight = await convert({
    ...(await open({ dir: folders.ar })),
    tasks,
    settings,
    dir: join(dir, 'straight'),
  })
  const stopped = new AbortController()
  const at = { ...(await open({ dir: folders.ar })), tasks, settings, dir: join(dir, 'stopped') }
  const run = convert({
    ...at,
    signal: stopped.signal,
    onProgress: ({ step }) => step === 9 && stopped.abort(),
  })
  await expect(run).rejects.toMatchObject({ code: 'interrupted' })
  const resumed = await convert({ ...at, ...(await open({ dir: folders.ar })) })
  expect(resumed.resumedAt).toBe(9)
  expect(resumed.hash).toBe(straight.hash)
  expect(resumed.lossCurve).toEqual(straight.lossCurve)
})

test('settings of another run are refused', async () => {
  const at = { ...(await open({ dir: folders.ar })), tasks, dir: join(dir, 'straight') }
  await expect(convert({ ...at, settings: { ...settings, seed: 4 } })).rejects.toMatchObject({
    code: 'training/other-run',
  })
})

describe('encoder', () => {
  const items = [textItem(0), imageItem(1, 0), textItem(2), imageItem(3, 5)]

  test('vectors have unit length, do not depend on batch mates, and are those of the plain weights before training', async () => {
    const parts = await open({ dir: folders.diffusion })
    const both = await Promise.all(
      [lora, { tune: 'all' } as const].map((part) => subjectEncoder({ ...parts, part })),
    )
    const [low, all] = await Promise.all(
      [lora, { tune: 'all' } as const].map(async (part, i) =>
        both[i]!.embed(items, {
          parameters: await initialTrained(parts.subject, part, 1),
          readouts: ['mean', 'last', layerReadout(1, 'mean')],
        }),
      ),
    )
    for (const readout of ['mean', 'last', 'layer 1 mean'])
      expect(low![readout]!.data).toBeAllClose(all![readout]!.data, { atol: 1e-5 })
    const parameters = await initialTrained(parts.subject, lora, 1)
    const alone = await both[0]!.embed([items[2]!], { parameters, readouts: ['mean'] })
    const dim = alone.mean!.dims[1]!
    expect(alone.mean!.data).toBeAllClose(low!.mean!.data.subarray(2 * dim, 3 * dim), { atol: 1e-5 })
    expect(alone.mean!.data.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5)
    expect(both[0]!.readouts).toContain('layer 0 last')
  })

  test('the mask changes what the first position sees', async () => {
    const vectors = await Promise.all(
      (['causal', 'bidirectional'] as const).map(async (attention) => {
        const parts = await open({ dir: folders.ar, attention })
        const encoder = await subjectEncoder({ ...parts, part: lora })
        return encoder.embed(items, {
          parameters: await initialTrained(parts.subject, lora, 1),
          readouts: ['mean', 'last'],
        })
      }),
    )
    expect(Array.from(vectors[0]!.mean!.data)).not.toEqual(Array.from(vectors[1]!.mean!.data))
  })

  test('a random decoder keeps tower and projector, and has its own hash', async () => {
    const [plain, random] = await Promise.all([
      open({ dir: folders.ar }),
      open({ dir: folders.ar, randomDecoder: { seed: 5 } }),
    ])
    expect(random.subject.hash).not.toBe(plain.subject.hash)
    const projector = 'multi_modal_projector.linear_1.weight'
    expect(random.subject.weights.locate(projector)).toEqual(plain.subject.weights.locate(projector))
    expect(random.subject.weights.locate('language_model.layers.0.mlp.up_proj.weight')?.kind).toBe('memory')
  })
})

test('image rows do not depend on batch mates, to the bit: a resumed run computes them in other batches', async () => {
  const [alone, among] = await Promise.all([open({ dir: folders.ar }), open({ dir: folders.ar })])
  await alone.sequences.prepare([imageItem(2, 1)])
  await among.sequences.prepare([0, 1, 2, 3, 0, 1, 2].map((colour) => imageItem(colour, 1)))
  const { key } = picture(2, 1)
  const rows = [alone, among].map(({ features }) => Array.from(features.table([key]).rows.data))
  expect(rows[0]).toEqual(rows[1])
})

test('a rank above the width is refused', async () => {
  const { subject } = await open({ dir: folders.ar })
  await expect(initialTrained(subject, { tune: 'lora', rank: 1_000_000, alpha: 1 }, 3)).rejects.toMatchObject(
    {
      code: 'tuning/rank',
      exitCode: 2,
    },
  )
})

test('a log that lost lines is told, not reported as the whole curve', async () => {
  const opened = await open({ dir: folders.ar })
  const options = { ...opened, tasks, settings: { ...settings, steps: 3 }, dir: join(dir, 'log') }
  await convert(options)
  const path = join(options.dir, 'log.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').split('\n').slice(1).join('\n'))
  await expect(convert(options)).rejects.toMatchObject({
    code: 'tuning/log',
    message: expect.stringContaining('2 steps'),
  })
})

test('a dual encoder is refused', async () => {
  await expect(openSubject({ id: 'tower', dir: folders.tower })).rejects.toMatchObject({
    code: 'tuning/subject',
    exitCode: 2,
  })
})
