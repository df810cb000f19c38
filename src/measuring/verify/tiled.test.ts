import { describe, expect, test } from 'vitest'
import { type Edit, editTensors, editText, fixtureCopies, swap } from '../../../test/broken-fixture.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { loadSafetensors, writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { verifyModel } from './model.ts'

const broken = fixtureCopies()

const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)
const pictures = (from: string | RegExp, to: string) =>
  editText('checkpoint/preprocessor_config.json', from, to)

/** Changes one weight, number by number. */
const change = (name: string, of: (value: number, at: number) => number, file = 'model.safetensors'): Edit =>
  editTensors(`checkpoint/${file}`, (tensors) => {
    const { dims, data } = toF32(tensors.get(name)!)
    tensors.set(name, f32(dims, data.map(of)))
  })

const tower = 'vision_model.encoder.layers.0.self_attn'

describe('a mistake fails at its own stage', () => {
  test.each<[fixture: string, mistake: string, stage: string, edit: Edit]>([
    ['llava-next', 'a grid that is not there', 'input_ids', pictures(/\[\s*84,\s*28\s*\]/, '[56, 28]')],
    ['llava-next', 'other levels', 'pixel_values', pictures('0.48145466', '0.5')],
    [
      'llava-next',
      'a newline of zeros',
      'inputs',
      change('model.image_newline', () => 0, 'model-00001-of-00002.safetensors'),
    ],
    [
      'llava-next',
      'another rope base',
      'layer.00',
      config('"rope_theta": 1000000.0', '"rope_theta": 10000.0'),
    ],
    ['llava-onevision', 'more tokens for a picture', 'input_ids', config('anyres_max_2', 'anyres_max_9')],
    ['llava-onevision', 'the levels of the class', 'pixel_values', pictures(/"image_mean": \[[^\]]*\],/, '')],
    [
      'llava-onevision',
      'another feature layer',
      'vision',
      config('"vision_feature_layer": -1', '"vision_feature_layer": -2'),
    ],
    ['llava-onevision', 'a newline of zeros', 'inputs', change('image_newline', () => 0)],
    ['idefics3', 'smaller pictures', 'input_ids', pictures('"longest_edge": 96', '"longest_edge": 64')],
    [
      'idefics3',
      'no splitting',
      'input_ids',
      pictures('"do_image_splitting": true', '"do_image_splitting": false'),
    ],
    ['idefics3', 'another filter', 'pixel_values', pictures('"resample": 1', '"resample": 3')],
    [
      'idefics3',
      'a swapped tower tensor',
      'vision',
      swap(`model.${tower}.q_proj.weight`, `model.${tower}.v_proj.weight`),
    ],
    [
      'idefics3',
      'the channels of a square column by column',
      'projector',
      // The second and third of a square's four tokens change places.
      editTensors('checkpoint/model.safetensors', (tensors) => {
        const name = 'model.connector.modality_projection.proj.weight'
        const { dims, data } = toF32(tensors.get(name)!)
        const width = dims[1]! / 4
        const source = (at: number) => {
          const part = Math.floor((at % dims[1]!) / width)
          return part === 1 ? at + width : part === 2 ? at - width : at
        }
        tensors.set(
          name,
          f32(
            dims,
            data.map((_, at) => data[source(at)]!),
          ),
        )
      }),
    ],
    [
      'idefics3',
      'no last norm in the tower',
      'vision',
      change('model.vision_model.post_layernorm.weight', () => 1),
    ],
    [
      'smolvlm',
      'smaller pictures in between',
      'pixel_values',
      pictures('"longest_edge": 96', '"longest_edge": 64'),
    ],
    ['smolvlm', 'another rope base', 'layer.00', config('"rope_theta": 100000.0', '"rope_theta": 10000.0')],
    [
      'smolvlm',
      'another chat template',
      'prompt',
      editText('checkpoint/chat_template.jinja', 'Assistant:', 'Assistant: '),
    ],
  ])('%s, %s: %s', async (name, _, stage, edit) => {
    const dir = broken(name)
    await edit(dir)
    expect((await verifyModel(dir)).failure?.stage).toBe(stage)
  })
})

describe('the other spelling of the tensors gives the same', () => {
  const older = (name: string) =>
    name
      .replace(/^model\.language_model\./, 'language_model.model.')
      .replace(/^lm_head/, 'language_model.lm_head')
      .replace(/^model\./, '')
  const newer = (name: string) =>
    /^language_model\.lm_head/.test(name)
      ? 'lm_head.weight'
      : `model.${name.replace(/^language_model\.model\./, 'language_model.')}`
  const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']

  test.each<[fixture: string, files: string[], rename: (name: string) => string, example: string]>([
    ['llava-next', shards, older, 'image_newline'],
    ['llava-onevision', ['model.safetensors'], newer, 'model.image_newline'],
    ['smolvlm', ['model.safetensors'], (name) => name.replace(/^model\./, ''), 'text_model.norm.weight'],
  ])('%s', async (name, files, rename, example) => {
    const dir = broken(name)
    const renamed: Record<string, Tensor> = {}
    for (const file of files) {
      const tensors = await loadSafetensors(`${dir}/checkpoint/${file}`)
      for (const [key, tensor] of tensors) renamed[rename(key)] = tensor
    }
    expect(Object.keys(renamed)).toContain(example)
    // One file is looked for before an index.
    await writeSafetensors(`${dir}/checkpoint/model.safetensors`, renamed)
    const report = await verifyModel(dir)
    expect(report.failure).toBeUndefined()
    expect(report.compared).toBe(report.expected)
  })
})

test('a choice of features that is no full map is refused', async () => {
  const dir = broken('llava-next')
  await config('"vision_feature_select_strategy": "default"', '"vision_feature_select_strategy": "full"')(dir)
  await expect(verifyModel(dir)).rejects.toMatchObject({
    code: 'family/config',
    message: expect.stringContaining('16 patches'),
  })
})

test('views of another size than the tower takes are refused', async () => {
  const dir = broken('smolvlm')
  await pictures('"longest_edge": 32', '"longest_edge": 48')(dir)
  await expect(verifyModel(dir)).rejects.toMatchObject({ code: 'family/view-size' })
})
