import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shippedData } from '../../foundation/files/shipped.ts'
import { bf16ToF32, f32ToBf16, toF32 } from '../../foundation/numeric/float.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import type { RgbImage } from '../../inputs/media/image.ts'
import { captionPair } from '../../inputs/scenes/caption-pairs.ts'
import { draw } from '../../inputs/scenes/draw.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import type { TokenizerJson } from '../../inputs/text/byte-level.ts'
import { createTokenizer } from '../../inputs/text/tokenizer.ts'
import { openCheckpoint } from '../../models/checkpoint/folder.ts'
import { initialWeights } from '../../models/families/initial.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { checkpointWeights, checkWeights } from '../../models/families/weights.ts'
import { readModel, readTwin, writeTower, writeTwin } from './folder.ts'
import { PICTURE_SIZE, TOWER } from './recipe.ts'
import { type TowerWorld, textIds } from './tower-batch.ts'
import { TOWER_CONFIG } from './tower-config.ts'
import { twinBatch } from './twin-batch.ts'
import { samplesOf } from './twin-samples.ts'
import type { Twin } from './twins/twin.ts'
import { twinAr } from './twins/twin-ar.ts'
import { twinDiffusion } from './twins/twin-diffusion.ts'
import { SPECIAL_IDS, trainVocabulary } from './vocabulary.ts'

const DATA = shippedData()
const root = mkdtempSync(join(tmpdir(), 'bifocal-folder-'))
const dirs = {
  tower: join(root, 'tower'),
  'twin-ar': join(root, 'twin-ar'),
  'twin-diffusion': join(root, 'twin-diffusion'),
}
const TWINS = [
  ['twin-ar', twinAr],
  ['twin-diffusion', twinDiffusion],
] as const

const randomParameters = (config: Readonly<Record<string, unknown>>, seed: number) =>
  initialWeights(modelParameters(modelOf(config)), { seed, layers: 4 })
const tower: Record<string, Tensor<'f32'>> = {
  ...randomParameters(TOWER_CONFIG, 1),
  'auxiliary.concept.weight': { dtype: 'f32', dims: [1], data: new Float32Array(1) },
}

let at: TowerWorld
let tokenizer: TokenizerJson

beforeAll(async () => {
  const world = await loadWorld(DATA, 'small')
  tokenizer = trainVocabulary(world, 1, 4000)
  at = { world, sheets: await loadSheets(DATA, world.training), tokenizer: createTokenizer(tokenizer) }
  await writeTower(dirs.tower, tower, tokenizer)
  await writeTwin(dirs['twin-ar'], twinAr, twinParameters(twinAr), tower, tokenizer)
  await writeTwin(dirs['twin-diffusion'], twinDiffusion, twinParameters(twinDiffusion), tower, tokenizer)
}, 300_000)
afterAll(() => rmSync(root, { recursive: true }))

function twinParameters({ config }: Twin): Record<string, Tensor<'f32'>> {
  const all = randomParameters(config, 2)
  return Object.fromEntries(Object.entries(all).filter(([parameter]) => !parameter.includes('vision_tower')))
}

function picture(index: number): RgbImage {
  const { description } = captionPair(at.world, 3, index)
  return { width: PICTURE_SIZE, height: PICTURE_SIZE, data: draw(description, at.sheets) }
}

test.each([
  ['tower', []],
  [
    'twin-ar',
    ['vision_tower.vision_model.post_layernorm.bias', 'vision_tower.vision_model.post_layernorm.weight'],
  ],
  ['twin-diffusion', []],
] as const)('%s holds what its config asks for, and nothing else', async (name, unread) => {
  const checkpoint = await openCheckpoint(dirs[name])
  const model = modelOf(checkpoint.config)
  expect(checkWeights(modelParameters(model), checkpoint, model.weightSpellings).sort()).toEqual(unread)
})

test.each([
  ['twin-ar', 'language_model.model.layers.0.self_attn.q_proj.weight'],
  ['twin-ar', 'language_model.model.embed_tokens.weight'],
  ['twin-ar', 'multi_modal_projector.linear_1.bias'],
  ['twin-ar', 'vision_tower.vision_model.encoder.layers.3.mlp.fc2.weight'],
  ['twin-diffusion', 'model.transformer.blocks.3.ff_out.weight'],
  ['twin-diffusion', 'model.transformer.wte.weight'],
  ['twin-diffusion', 'model.mm_projector.2.bias'],
  ['twin-diffusion', 'model.vision_tower.vision_tower.vision_model.embeddings.patch_embedding.weight'],
  ['tower', 'text_model.encoder.layers.1.self_attn.out_proj.bias'],
  ['tower', 'logit_bias'],
] as const)('%s: published name %s', async (name, tensor) => {
  expect([...(await openCheckpoint(dirs[name])).tensors.keys()]).toContain(tensor)
})

test.each(TWINS)('%s: weights are rounded to bf16, once, and not changed otherwise', async (name, twin) => {
  const checkpoint = await openCheckpoint(dirs[name])
  const { find } = checkpointWeights(checkpoint, modelOf(checkpoint.config).weightSpellings)
  for (const [parameter, { data }] of Object.entries(twinParameters(twin))) {
    const stored = await checkpoint.read(find(parameter)!.name)
    expect(stored.dtype).toBe('bf16')
    expect(toF32(stored).data).toBeAllClose(bf16ToF32(f32ToBf16(data)), { atol: 1e-30 })
  }
})

test('both twins carry the tower: the same bytes under two names', async () => {
  const [ar, diffusion] = [await readModel(dirs['twin-ar']), await readModel(dirs['twin-diffusion'])]
  const name = 'vision_model.encoder.layers.2.mlp.fc1.weight'
  const own = ar.parameters[`vision_tower.${name}`]!
  expect(diffusion.parameters[`model.vision_tower.vision_tower.${name}`]!.data).toBeAllClose(own.data, {
    atol: 1e-30,
  })
  expect(own.data).toBeAllClose(bf16ToF32(f32ToBf16(tower[name]!.data)), { atol: 1e-30 })
})

describe.each(TWINS)('%s: the processor', (name) => {
  test.each(['caption', 'qa', 'label', 'shapes', 'text'] as const)(
    'gives the ids of training: %s',
    async (kind) => {
      const drawn = samplesOf(at.world, { kind, seed: 5, from: 0, count: 6, use: 'test' })
      const batch = twinBatch(at, drawn, { objective: 'next-token', seed: 5, step: 0, learning: false })
      const [rows, seq] = [batch.input_ids!, batch.input_ids!.dims[1]!]
      const { model } = await readModel(dirs[name])
      if (model.kind !== 'vision-language') throw new TypeError('no twin')
      const processor = await model.processor(dirs[name])
      for (const [row, { prompt, description }] of drawn.samples.entries()) {
        const images = description === null ? [] : [picture(row)]
        const prepared = processor.prepare(
          processor.prompt({ text: prompt, images: images.length }).prompt,
          images,
        )
        const ids = prepared.inputIds.map((id, i) => (prepared.imageIndex[i] === -1 ? id : SPECIAL_IDS.image))
        expect(ids).toEqual(Array.from(rows.data.slice(row * seq, row * seq + ids.length), Number))
        expect(ids.at(-1)).toBe(SPECIAL_IDS.endOfTurn)
        const index = Array.from(batch.image_index!.data.slice(row * seq, row * seq + ids.length), Number)
        const first = index.find((value) => value >= 0) ?? 0
        expect(prepared.imageIndex).toEqual(index.map((value) => (value < 0 ? -1 : value - first)))
      }
    },
  )

  test('leaves a picture of the right size as it is', async () => {
    const { model } = await readModel(dirs[name])
    if (model.kind !== 'vision-language') throw new TypeError('no twin')
    const image = picture(0)
    const { views } = (await model.processor(dirs[name])).prepare('<image>', [image])
    const expected = Array.from({ length: 3 }, (_, channel) =>
      Array.from({ length: 96 * 96 }, (_, i) => image.data[i * 3 + channel]! / 127.5 - 1),
    )
    expect(views[0]!.data).toBeAllClose(expected.flat(), { atol: 1e-6 })
  })
})

test('the tower reads texts as in its training', async () => {
  const { model } = await readModel(dirs.tower)
  if (model.kind !== 'dual-encoder') throw new TypeError('no tower')
  const processor = await model.processor(dirs.tower)
  const texts = [
    'key',
    'a red apple to the left of a dog on a teal background',
    `${'three elephants and '.repeat(9)}a key`,
    '',
  ]
  const trained = textIds(texts, at.tokenizer)
  for (const [i, text] of texts.entries()) {
    expect(processor.ids(text)).toEqual(
      Array.from(trained.data.slice(i * TOWER.textLength, (i + 1) * TOWER.textLength), Number),
    )
  }
})

test('a missing parameter is named', async () => {
  const { 'language_model.norm.weight': _, ...rest } = twinParameters(twinAr)
  const dir = join(root, 'incomplete')
  await expect(writeTwin(dir, twinAr, rest, tower, tokenizer)).rejects.toMatchObject({
    code: 'pretraining/parameters',
    message: /norm\.weight/,
  })
  expect(existsSync(join(dir, 'model.safetensors'))).toBe(false)
})

test('a twin of another recipe is told from this one’s', async () => {
  expect((await readTwin(dirs['twin-ar'], twinAr)).model.kind).toBe('vision-language')
  await expect(readTwin(dirs['twin-diffusion'], twinAr)).rejects.toMatchObject({
    code: 'pretraining/other-recipe',
  })
})

test('each file fits into 12 MB', () => {
  for (const dir of Object.values(dirs))
    expect(readFileSync(join(dir, 'model.safetensors')).length).toBeLessThan(12e6)
})
