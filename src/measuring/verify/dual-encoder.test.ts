import { expect, test } from 'vitest'
import {
  type Edit,
  editTensors,
  editText,
  fixtureCopies,
  keepCases,
  swap,
} from '../../../test/broken-fixture.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { verifyModel } from './model.ts'

const broken = fixtureCopies()

const config = (from: string | RegExp, to: string) => editText('checkpoint/config.json', from, to)
const pictures = (from: string | RegExp, to: string) =>
  editText('checkpoint/preprocessor_config.json', from, to)
const tokens = (from: string | RegExp, to: string) => editText('checkpoint/tokenizer.json', from, to)

const negated = (name: string): Edit =>
  editTensors('checkpoint/model.safetensors', (tensors) => {
    const { dims, data } = toF32(tensors.get(name)!)
    tensors.set(
      name,
      f32(
        dims,
        data.map((value) => -value),
      ),
    )
  })

const image = 'vision_model.encoder.layers.0.self_attn'

test.each<[fixture: string, mistake: string, stage: string, edit: Edit]>([
  ['clip', 'a wrong resize filter', 'pixel_values', pictures('"resample": 3', '"resample": 2')],
  ['clip', 'capitals', 'input_ids', tokens('"type": "Lowercase"', '"type": "NFC"')],
  ['clip', 'another activation in the text tower', 'layer.00', config('quick_gelu', 'gelu')],
  [
    'clip',
    'another activation in the image tower',
    'vision',
    config(/("vision_config".*?)quick_gelu/s, '$1gelu'),
  ],
  [
    'clip',
    'the first norm of the image tower turned round',
    'vision',
    negated('vision_model.pre_layrnorm.weight'),
  ],
  [
    'clip',
    'the last norm of the text tower turned round',
    'norm',
    negated('text_model.final_layer_norm.bias'),
  ],
  ['clip', 'an image vector turned round', 'image_embeds', negated('visual_projection.weight')],
  ['clip', 'a text vector turned round', 'text_embeds', negated('text_projection.weight')],
  ['siglip', 'a wrong resize filter', 'pixel_values', pictures('"resample": 3', '"resample": 2')],
  [
    'siglip',
    'swapped queries and values of the image tower',
    'vision',
    swap(`${image}.q_proj.weight`, `${image}.v_proj.weight`),
  ],
  ['siglip', 'another activation in the text tower', 'layer.00', config('gelu_pytorch_tanh', 'quick_gelu')],
  [
    'siglip',
    'positions of the text turned round',
    'layer.00',
    negated('text_model.embeddings.position_embedding.weight'),
  ],
  ['siglip', 'the probe turned round', 'image_embeds', negated('vision_model.head.probe')],
  ['siglip', 'the bias of the text head turned round', 'text_embeds', negated('text_model.head.bias')],
  ['siglip2', 'the filter of SigLIP 1', 'pixel_values', pictures('"resample": 2', '"resample": 3')],
  ['siglip2', 'another sign for spaces', 'input_ids', tokens('"content": "▁"', '"content": "_"')],
  [
    'siglip2',
    'the last norm of the image tower turned round',
    'vision',
    negated('vision_model.post_layernorm.weight'),
  ],
  [
    'siglip2',
    'the last norm of the text tower turned round',
    'norm',
    negated('text_model.final_layer_norm.weight'),
  ],
  [
    'siglip2',
    'the biases of the pooling turned round',
    'image_embeds',
    negated('vision_model.head.attention.in_proj_bias'),
  ],
])('%s, %s: %s', async (name, _, stage, edit) => {
  const dir = broken(name)
  keepCases(dir, 'image-odd', 'text-batch')
  await edit(dir)
  expect((await verifyModel(dir)).failure?.stage).toBe(stage)
})
