/**
 * @file Modules are chosen as PEFT chooses them, adapters written as PEFT writes them, and a tuned
 * state embeds as the folder that it is written to.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir, hasGolden, reducedNames } from '../../../../test/golden.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { stream } from '../../../foundation/numeric/random.ts'
import { keyed, type Picture } from '../../../inputs/data/item.ts'
import { readAdapter } from '../../../models/checkpoint/adapter-folder.ts'
import { loadSafetensors } from '../../../models/checkpoint/safetensors.ts'
import { Embedder } from '../../../models/embedder/embedder.ts'
import { openSubject, withState } from '../../../models/embedder/subject.ts'
import { tunableModel } from '../tunable.ts'
import { writeTrained } from '../tuned-folder.ts'
import { trainSettings } from './settings.ts'
import { openTrained, type Trained, trainedFromAdapter } from './trained.ts'

let dir = ''
let twins: Awaited<ReturnType<typeof writeRandomTwins>>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-trained-'))
  twins = await writeRandomTwins(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const open = async (path: string) => {
  const subject = await openSubject(path, { threads: 1, preset: 'none' })
  return { subject, model: tunableModel(subject) }
}
const settings = (given: object) => trainSettings.parse(given)

/** Gives all trained arrays other values, as a training would. */
function disturb({ parameters }: Trained, by = 0.05): void {
  for (const [name, { data }] of Object.entries(parameters)) {
    const random = stream('disturbed', name)
    for (let i = 0; i < data.length; i++) data[i]! += (random() - 0.5) * by
  }
}

const runs = ['run-lora-llava', 'run-dora-lavida', 'run-matryoshka-llava'].filter(hasGolden)

describe.each(runs)('%s', (run) => {
  test('going on from an adapter, and writing it, changes no byte of its tensors', async () => {
    const { model } = await open(join(goldenDir(run), 'checkpoint'))
    const from = join(goldenDir(run), 'adapter-1')
    const trained = trainedFromAdapter(model, await readAdapter(from))
    const to = join(dir, `${run} again`)
    await writeTrained(to, { model, trained })
    const tensors = async (folder: string) => await loadSafetensors(join(folder, 'adapter_model.safetensors'))
    expect([...(await tensors(to))].sort()).toEqual([...(await tensors(from))].sort())
    const config = (folder: string) => JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8'))
    const { base_model_name_or_path: _base, ...written } = config(to)
    expect(config(from)).toMatchObject(written)
  })

  test('a fresh state has the tensors that PEFT makes, under its names', async () => {
    const { model } = await open(join(goldenDir(run), 'checkpoint'))
    const adapter = await readAdapter(join(goldenDir(run), 'adapter-0'))
    const { config } = adapter
    const trained = await openTrained(
      model,
      settings({
        rank: config.rank,
        alpha: config.alpha,
        dora: config.dora,
        targets: config.targets,
        modulesToSave: config.saved,
      }),
      1,
    )
    const result = trained.result()
    if (result.kind !== 'adapter') throw new Error('an adapter is expected')
    const shapes = ({ modules, replaced }: typeof adapter) =>
      new Map<string, unknown>([
        ...[...modules].map(([name, { down, up, scale }]) => [name, [down.dims, up.dims, scale]] as const),
        ...[...(replaced ?? [])].map(([name, { dims }]) => [name, dims] as const),
      ])
    expect(shapes(result.adapter)).toEqual(shapes(adapter))
  })
})

test.runIf(hasGolden('run-lora-llava'))(
  "VLM2Vec's list adapts the tower too, layers that never run included",
  async () => {
    const { model } = await open(join(goldenDir('run-lora-llava'), 'checkpoint'))
    const { modules, tower, idle } = await openTrained(model, settings({ targets: 'vlm2vec', rank: 4 }), 1)
    const { modules: expected } = await readAdapter(join(goldenDir('run-lora-llava'), 'adapter-0'))
    expect(modules.map(({ name }) => name).sort()).toEqual([...expected.keys()].sort())
    expect(tower).toBe(true)
    expect(Object.keys(idle).every((name) => name.includes('vision_tower'))).toBe(true)
    expect(modules.filter(({ idle: never }) => never).length).toBe(4)
  },
)

describe('the tuned state is, to the bit, that of the folder that it is written to', () => {
  const picture = (grain: number): Picture => {
    const random = stream('grain', grain)
    const data = Uint8Array.from({ length: 48 * 48 * 3 }, () => Math.floor(random() * 255))
    return { key: `picture ${grain}`, read: () => ({ width: 48, height: 48, data }) }
  }
  const items = [
    keyed({ text: 'a red apple' }),
    keyed({ instruction: 'What is it?', image: picture(1) }),
    keyed({ image: picture(2) }),
  ]
  const vectorsOf = async (embedder: Embedder) => {
    const { vectors } = await embedder.embed(items)
    await embedder.close()
    return Array.from(vectors.data)
  }

  test.each<[string, 'ar' | 'diffusion', object]>([
    ['low-rank updates', 'ar', { rank: 4 }],
    ['rank-stabilised', 'diffusion', { rank: 4, rslora: true, initial: 'kaiming', dropout: 0.1 }],
    ['DoRA of decoder and projector', 'diffusion', { rank: 4, dora: true, targets: 'decoder+projector' }],
    [
      'a projector trained whole',
      'ar',
      { rank: 4, targets: ['q_proj'], modulesToSave: ['multi_modal_projector'] },
    ],
    ["VLM2Vec's list", 'ar', { rank: 4, targets: 'vlm2vec', rankPattern: { q_proj: 2 } }],
    ['the decoder itself', 'ar', { method: 'all' }],
    ['all weights', 'diffusion', { method: 'all', targets: 'decoder+projector+tower' }],
  ])('%s (%s)', async (what, twin, given) => {
    const { subject, model } = await open(twins[twin])
    const trained = await openTrained(model, settings(given), 1)
    const before = await vectorsOf(await Embedder.over(subject))
    const fresh = await vectorsOf(await Embedder.over(withState(subject, { weights: trained.tuned() })))
    expect(fresh).toBeAllClose(before, { atol: 1e-6 })
    disturb(trained)
    const tuned = await vectorsOf(await Embedder.over(withState(subject, { weights: trained.tuned() })))
    expect(tuned).not.toBeAllClose(before, { atol: 1e-3 })
    const folder = join(dir, `tuned ${what}`)
    await writeTrained(folder, { model, trained })
    expect(await vectorsOf(await Embedder.load(folder, { threads: 1 }))).toEqual(tuned)
  })

  test.runIf(hasGolden('qwen2-vl'))('all weights of a model in bf16', async () => {
    const { subject, model } = await open(join(goldenDir('qwen2-vl'), 'checkpoint'))
    const trained = await openTrained(model, settings({ method: 'all' }), 1)
    disturb(trained)
    const tuned = await vectorsOf(await Embedder.over(withState(subject, { weights: trained.tuned() })))
    const folder = join(dir, 'tuned bf16')
    await writeTrained(folder, { model, trained })
    expect(await vectorsOf(await Embedder.load(folder, { threads: 1 }))).toEqual(tuned)
    const dtypes = new Set(
      [...(await loadSafetensors(join(folder, 'model.safetensors'))).values()].map(({ dtype }) => dtype),
    )
    expect([...dtypes]).toEqual(['bf16'])
  })
})

describe('refused', () => {
  test.each<[string, object, string, RegExp]>([
    ['a rank above the width', { rank: 1000 }, 'tuning/rank', /rank 1000.* 24 wide/],
    ['targets that are not there', { targets: ['qkv'] }, 'tuning/targets', /"qkv"/],
    ['a module to save that is not there', { modulesToSave: ['head'] }, 'tuning/targets', /head/],
    ['dropout of whole weights', { method: 'all', dropout: 0.1 }, 'tuning/train', /dropout/],
    ['no adapter to continue', { continue: true }, 'tuning/train', /no adapter/],
  ])('%s', async (_, given, code, message) => {
    const { model } = await open(twins.ar)
    await expect(openTrained(model, settings(given), 1)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  test('a pattern that is no regular expression', () => {
    expect(trainSettings.safeParse({ targets: '(' }).success).toBe(false)
  })
})

test('an adapter that a model comes with is refused, or trained further', async () => {
  const { model } = await open(twins.ar)
  const folder = join(dir, 'further')
  const first = await openTrained(model, settings({ rank: 4, targets: ['q_proj', 'v_proj'] }), 1)
  disturb(first)
  await writeTrained(folder, { model, trained: first })
  const subject = await openSubject(folder, { threads: 1 })
  expect(() => tunableModel(subject)).toThrow(expect.objectContaining({ code: 'tuning/adapted' }))
  const again = await openTrained(tunableModel(subject, { continues: true }), settings({ continue: true }), 2)
  expect(again.parameters).toEqual(first.parameters)
})

const families = reducedNames().filter((name) => existsSync(join(goldenDir(name), 'checkpoint')))

describe.each(families.filter((name) => !/^(tune|run)-/.test(name)))('family of %s', (name) => {
  test('an adapter of every linear layer finds its weights again', async () => {
    const subject = await openSubject(join(goldenDir(name), 'checkpoint'), { threads: 1, preset: 'none' })
    if (subject.model.kind !== 'vision-language') return
    const model = tunableModel(subject)
    const trained = await openTrained(model, settings({ rank: 2, targets: 'decoder+projector+tower' }), 1)
    const folder = join(dir, `family ${name}`)
    await writeTrained(folder, { model, trained })
    const again = trainedFromAdapter(model, await readAdapter(folder))
    expect(again.parameters).toEqual(trained.parameters)
    expect(again.tower).toBe(trained.tower)
    // Pictures that become codes have no gradient.
    expect(trained.tower).toBe(model.model.shape.imageCodes === undefined)
  })
})
