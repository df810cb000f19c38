/**
 * @file A tower and two twins in true checkpoint layouts with random weights: what conversion and
 * study are tested on.
 */

import { join } from 'node:path'
import { z } from 'zod'
import { readJson, readText, writeFileAtomic } from '../src/foundation/files/file.ts'
import type { Tensor } from '../src/foundation/numeric/tensor.ts'
import { trainBpe } from '../src/inputs/text/bpe-trainer.ts'
import { codesConfig } from '../src/learning/pretraining/twins/codes-config.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { initialWeights } from '../src/models/families/initial.ts'
import { modelParameters } from '../src/models/families/parameters.ts'
import { modelOf } from '../src/models/families/registry.ts'

export interface TwinSizes {
  hidden: number
  heads: number
  layers: number
  inner: number
  towerLayers: number
}

const TINY: TwinSizes = { hidden: 24, heads: 2, layers: 2, inner: 48, towerLayers: 1 }

const PICTURE = 96
const PATCH = 24
const SPECIAL = ['<s>', '</s>', '<pad>', '<image>', '<mask>', '<eot>']

const PREFIX = 'image_tokenizer.'
const tokens = z.array(z.looseObject({ id: z.number(), content: z.string() }))

const text = [
  'Represent the given image for classification Identify the object shown in the image Find me an image that matches the given caption:',
  'Represent the given image with the following question: What is to the left of the cat? How many keys are there? a red apple on a blue background',
]

/**
 * Writes `tower` (SigLIP), `twin-ar` (LLaVA) and `twin-diffusion` (LaViDa on LLaDA) into `dir`; the
 * twins share tokenizer, tower and prompt.
 * @returns the three folders
 */
export async function writeRandomTwins(
  dir: string,
  sizes: TwinSizes = TINY,
  vocabulary = 400,
): Promise<{ tower: string; ar: string; diffusion: string }> {
  const tokenizer = trainBpe(
    text.map((words) => [words, 20] as const),
    { vocabularySize: vocabulary, specialTokens: SPECIAL },
  )
  const idOf = (token: string) => tokenizer.added_tokens.find(({ content }) => content === token)!.id
  const size = Math.max(...tokenizer.added_tokens.map(({ id }) => id)) + 1
  const vision = {
    model_type: 'siglip_vision_model',
    hidden_size: sizes.hidden,
    intermediate_size: sizes.inner,
    num_hidden_layers: sizes.towerLayers,
    num_attention_heads: sizes.heads,
    image_size: PICTURE,
    patch_size: PATCH,
  }
  const pixels = {
    do_resize: true,
    size: { height: PICTURE, width: PICTURE },
    resample: 2,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
    image_processor_type: 'SiglipImageProcessor',
  }
  const configs = {
    tower: {
      model_type: 'siglip',
      vision_config: vision,
      text_config: {
        vocab_size: size,
        hidden_size: sizes.hidden,
        intermediate_size: sizes.inner,
        num_hidden_layers: 1,
        num_attention_heads: sizes.heads,
        max_position_embeddings: 24,
        projection_size: sizes.hidden,
      },
    },
    'twin-ar': {
      model_type: 'llava',
      vision_config: vision,
      text_config: {
        model_type: 'llama',
        vocab_size: size,
        hidden_size: sizes.hidden,
        intermediate_size: sizes.inner,
        num_hidden_layers: sizes.layers,
        num_attention_heads: sizes.heads,
        num_key_value_heads: sizes.heads,
        max_position_embeddings: 256,
        rms_norm_eps: 1e-5,
        rope_theta: 10000,
      },
      image_token_index: idOf('<image>'),
      vision_feature_layer: -1,
      vision_feature_select_strategy: 'full',
    },
    'twin-diffusion': {
      model_type: 'llava_llada',
      d_model: sizes.hidden,
      n_layers: sizes.layers,
      n_heads: sizes.heads,
      n_kv_heads: sizes.heads,
      mlp_hidden_size: sizes.inner,
      vocab_size: size,
      embedding_size: size,
      max_sequence_length: 256,
      rope: true,
      rope_theta: 10000,
      rms_norm_eps: 1e-5,
      layer_norm_type: 'rms',
      activation_type: 'silu',
      block_type: 'llama',
      block_group_size: 1,
      weight_tying: false,
      include_bias: false,
      attention_layer_norm: false,
      input_emb_norm: false,
      alibi: false,
      scale_logits: false,
      mask_token_id: idOf('<mask>'),
      eos_token_id: idOf('</s>'),
      fim_token_id: size,
      mm_vision_tower: 'tower',
      mm_projector_type: 'mlp2x_gelu',
      mm_patch_merge_type: 'flat',
      mm_spatial_pool_mode: 'none',
      image_aspect_ratio: 'square',
      tokenizer_model_max_length: 256,
      // LaViDa drops the last layer of its tower.
      vision_config: { ...vision, num_hidden_layers: sizes.towerLayers + 1 },
    },
  }
  const template =
    "{{ '<s>' }}{% for message in messages %}{% if message['role'] == 'user' %}{% if message['content'] is string %}{{ message['content'] }}{% else %}" +
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ '<image>\\n' }}{% else %}{{ part['text'] }}{% endif %}{% endfor %}" +
    "{% endif %}{{ '<eot>' }}{% endif %}{% endfor %}"
  for (const [name, config] of Object.entries(configs)) {
    const folder = join(dir, name)
    const model = modelOf(config)
    const weights = initialWeights(modelParameters(model), { seed: 1, layers: sizes.layers })
    const stored = Object.entries(weights).map(([canonical, value]) => [
      model.weightSpellings(canonical)[0],
      value,
    ])
    await writeFileAtomic(join(folder, 'config.json'), JSON.stringify(config))
    await writeFileAtomic(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
    const special = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>', chat_template: template }
    await writeFileAtomic(join(folder, 'tokenizer_config.json'), JSON.stringify(special))
    await writeFileAtomic(join(folder, 'preprocessor_config.json'), JSON.stringify(pixels))
    await writeSafetensors(join(folder, 'model.safetensors'), Object.fromEntries(stored))
  }
  return { tower: join(dir, 'tower'), ar: join(dir, 'twin-ar'), diffusion: join(dir, 'twin-diffusion') }
}

const CODE_STACK = {
  ch: 32,
  ch_mult: [1, 1, 1, 1],
  num_res_blocks: [1, 1, 1, 1],
  z_channels: 6,
  resolution: 24,
  attn_resolutions: [],
}

/**
 * Writes `twin-discrete` (MMaDA) into `dir`, with its image tokenizer within: 9 codes a picture, 64
 * different ones.
 * @param like a folder of `writeRandomTwins`, which gives tokenizer and prompt
 */
export async function writeRandomDiscreteTwin(dir: string, like: string, sizes = TINY): Promise<string> {
  const folder = join(dir, 'twin-discrete')
  const given = await readJson(join(like, 'tokenizer.json'), z.looseObject({ added_tokens: tokens }))
  const next = Math.max(...given.added_tokens.map(({ id }) => id)) + 1
  const marks = ['<|soi|>', '<|eoi|>', '<|mmu|>'].map((content, i) => ({
    ...given.added_tokens[0],
    content,
    id: next + i,
  }))
  const text = next + marks.length
  const codes = 2 ** CODE_STACK.z_channels
  const tokenizer = {
    _class_name: 'MAGVITv2',
    codebook_size: codes,
    encoder: CODE_STACK,
    decoder: CODE_STACK,
  }
  const config = {
    ...codesConfig('image-tokenizer'),
    d_model: sizes.hidden,
    n_layers: sizes.layers,
    n_heads: sizes.heads,
    n_kv_heads: sizes.heads,
    mlp_hidden_size: sizes.inner,
    vocab_size: text + codes,
    embedding_size: text + codes,
    new_vocab_size: text + codes,
    llm_vocab_size: text,
    codebook_size: codes,
    num_vq_tokens: 9,
    max_sequence_length: 256,
    mask_token_id: given.added_tokens.find(({ content }) => content === '<mask>')!.id,
    image_resolution: CODE_STACK.resolution,
    image_tokenizer_config: tokenizer,
  }
  const model = modelOf(config)
  const weights = initialWeights(modelParameters(model), { seed: 2, layers: sizes.layers, std: 0.1 })
  const [own, pictures] = [new Map<string, Tensor>(), new Map<string, Tensor>()]
  for (const [name, value] of Object.entries(weights)) {
    if (name.startsWith(PREFIX)) pictures.set(name.slice(PREFIX.length), value)
    else own.set(model.weightSpellings(name)[0]!, value)
  }
  await writeFileAtomic(join(folder, 'config.json'), JSON.stringify(config))
  const tokenizerJson = { ...given, added_tokens: [...given.added_tokens, ...marks] }
  await writeFileAtomic(join(folder, 'tokenizer.json'), JSON.stringify(tokenizerJson))
  const settings = 'tokenizer_config.json'
  await writeFileAtomic(join(folder, settings), await readText(join(like, settings)))
  await writeSafetensors(join(folder, 'model.safetensors'), Object.fromEntries(own))
  const companion = join(folder, 'image-tokenizer')
  await writeFileAtomic(join(companion, 'config.json'), JSON.stringify(tokenizer))
  await writeSafetensors(join(companion, 'pytorch_model.safetensors'), Object.fromEntries(pictures))
  return folder
}
