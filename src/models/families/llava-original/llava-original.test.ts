import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fixtureCopies, keepCases } from '../../../../test/broken-fixture.ts'
import { llavaOriginal7b as published } from '../../../../test/configs/published.ts'
import { goldenDir } from '../../../../test/golden.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { padToSquare } from '../../../inputs/media/pad.ts'
import { clipProcessor } from '../../../inputs/media/processors.ts'
import { verifyModel } from '../../../measuring/verify/model.ts'
import { loadSafetensors, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { bindVisionLanguage } from '../model.ts'
import { modelParameters } from '../parameters.ts'
import { modelOf } from '../registry.ts'
import { llavaOriginal } from './index.ts'
import { llavaOriginalSpellings } from './weights.ts'

const broken = fixtureCopies()

/**
 * The golden fixture of `llava` under the authors' names and keys.
 * @param how pictures become squares
 */
async function renamedFixture(how: 'pad' | 'square'): Promise<string> {
  const dir = broken('llava')
  const at = (name: string) => join(dir, 'checkpoint', name)
  const own = JSON.parse(readFileSync(at('config.json'), 'utf8'))
  const { max_position_embeddings, vocab_size, ...multimodal } = published
  writeFileSync(
    at('config.json'),
    JSON.stringify({
      ...multimodal,
      ...own.text_config,
      model_type: 'llava',
      vision_config: own.vision_config,
      mm_hidden_size: 32,
      image_aspect_ratio: how,
    }),
  )
  const stored = new Map<string, string>()
  for (const { name } of modelParameters(modelOf(own)))
    stored.set(modelOf(own).weightSpellings(name)[0]!, llavaOriginalSpellings(name)[0]!)
  const tensors = await loadSafetensors(at('model.safetensors'))
  const renamed = [...stored].map(([from, to]) => [to, tensors.get(from)!] as const)
  await writeSafetensors(at('model.safetensors'), Object.fromEntries(renamed))
  for (const name of ['preprocessor_config.json', 'processor_config.json']) rmSync(at(name))
  // The pseudo-id of pictures is no id of the vocabulary: what stands there is ours to choose.
  const cases = readFileSync(join(dir, 'cases.json'), 'utf8')
  writeFileSync(join(dir, 'cases.json'), cases.replaceAll(/^(\s*)480(,?)$/gm, '$10$2'))
  keepCases(dir, 'image', 'text')
  return dir
}

describe("llava's fixture under the authors' names and keys, without files for pictures", () => {
  test('equals the reference at every stage', async () => {
    const report = await verifyModel(await renamedFixture('square'))
    // Only some cases were kept; what they expect is equal.
    expect(report.failure?.stage ?? 'coverage').toBe('coverage')
    expect(report.stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['input_ids', 'pixel_values', 'projector', 'norm']),
    )
    expect(Math.max(...report.stages.map(({ worst }) => worst))).toBeLessThan(0.5)
  })

  test('padded pictures are other pixels', async () => {
    expect((await verifyModel(await renamedFixture('pad'))).failure?.stage).toBe('pixel_values')
  })
})

test('the published config gives the size of llava less the rows of its own tokens', () => {
  const size = (json: Readonly<Record<string, unknown>>) =>
    modelParameters(modelOf(json)).reduce((sum, { dims }) => sum + sizeOf(dims), 0)
  expect(modelOf(published)).toMatchObject({
    family: 'llava-original',
    shape: { maxLength: 4096, view: [3, 336, 336] },
  })
  expect(size({ ...published, vocab_size: 32064 }) - size(published)).toBe(2 * 64 * 4096)
  expect(size({ ...published, vocab_size: 32064 })).toBe(
    size({ model_type: 'llava', text_config: { vocab_size: 32064 }, vision_config: undefined }),
  )
})

test.each([
  ['language_model.layers.0.mlp.up_proj.weight', 'model.layers.0.mlp.up_proj.weight'],
  ['language_model.embed_tokens.weight', 'model.embed_tokens.weight'],
  ['lm_head.weight', 'lm_head.weight'],
  ['multi_modal_projector.linear_1.weight', 'model.mm_projector.0.weight'],
  ['multi_modal_projector.linear_2.bias', 'model.mm_projector.2.bias'],
  [
    'vision_tower.vision_model.pre_layrnorm.bias',
    'model.vision_tower.vision_tower.vision_model.pre_layrnorm.bias',
  ],
])('%s is stored as %s', (name, stored) => expect(llavaOriginalSpellings(name)).toEqual([stored]))

test.each<[what: string, change: object, reason: RegExp]>([
  ['tiles', { image_aspect_ratio: 'anyres' }, /image_aspect_ratio: must be pad or square.*llava-hf/],
  ['another projector', { mm_projector_type: 'linear' }, /mm_projector_type/],
  ['a tower of unknown sizes', { mm_vision_tower: 'some/tower' }, /mm_vision_tower: no tower of known sizes/],
  ['marks around pictures', { mm_use_im_start_end: true }, /mm_use_im_start_end/],
  ['a tower of another width', { mm_hidden_size: 768 }, /mm_hidden_size: must be the tower's width, 1024/],
])('%s: refused', (_, change, reason) => {
  expect(() => modelOf({ ...published, ...change })).toThrow(reason)
})

test('pictures are laid on the mean colour; the prompt is the authors’', async () => {
  const dir = join(await renamedFixture('pad'), 'checkpoint')
  rmSync(join(dir, 'chat_template.jinja'))
  const json = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))
  const processor = await bindVisionLanguage(llavaOriginal, json).processor(dir)
  const image = { width: 2, height: 1, data: Uint8Array.from([255, 0, 0, 0, 0, 255]) }
  const { prompt, instructionEnd } = processor.prompt({
    images: 1,
    instruction: 'What is it?',
    text: 'Look.',
  })
  expect(prompt).toBe('USER: <image>\nWhat is it?\nLook. ASSISTANT:')
  expect(prompt.slice(0, instructionEnd)).toMatch(/What is it\?$/)
  const { views } = processor.prepare(prompt, [image])
  const levels = JSON.parse(
    readFileSync(join(goldenDir('llava'), 'checkpoint/preprocessor_config.json'), 'utf8'),
  )
  expect(views[0]!.data).toEqual(clipProcessor(levels)(padToSquare(image, [122, 116, 104])).data)
})
