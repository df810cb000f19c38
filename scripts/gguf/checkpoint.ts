/**
 * @file Writes a Llama that a GGUF file holds as a checkpoint folder: the language model of a
 * LLaVA. Its image tower is random and tiny, for texts do not run it.
 */

import { join } from 'node:path'
import { writeFileAtomic } from '../../src/foundation/files/file.ts'
import { BifocalError } from '../../src/foundation/numeric/errors.ts'
import { fillNormal, stream } from '../../src/foundation/numeric/random.ts'
import { f32, sizeOf, type Tensor } from '../../src/foundation/numeric/tensor.ts'
import { byteLevelTokenizer, specialToken } from '../../src/inputs/text/byte-level.ts'
import { writeSafetensors } from '../../src/models/checkpoint/safetensors.ts'
import { modelParameters } from '../../src/models/families/parameters.ts'
import { modelOf } from '../../src/models/families/registry.ts'
import type { GgufFile } from './file.ts'

const [PICTURE, PATCH] = [28, 14]

/** Numbers in `tokenizer.ggml.token_type`. */
const CONTROL = 3

/** The text as it is, a picture's placeholder before it. */
const TEMPLATE =
  "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'image' %}{{ image_token }}" +
  "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"

/** A module of a layer in LLaVA's names → in GGUF's. */
const MODULES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}

export async function writeCheckpoint(dir: string, file: GgufFile): Promise<void> {
  const setting = (name: string) => Number(file.settings.get(`llama.${name}`))
  const tokens = listOf(file, 'tokenizer.ggml.tokens')
  const types = listOf(file, 'tokenizer.ggml.token_type')
  const special = tokens.flatMap((token, id) =>
    Number(types[id]) === CONTROL ? [specialToken(id, token)] : [],
  )
  const image = special.at(-1)!
  const heads = { q: setting('attention.head_count'), k: setting('attention.head_count_kv') }
  const config = {
    architectures: ['LlavaForConditionalGeneration'],
    model_type: 'llava',
    image_token_index: image.id,
    vision_feature_layer: -1,
    tie_word_embeddings: true,
    vision_config: {
      model_type: 'clip_vision_model',
      hidden_size: 32,
      intermediate_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 1,
      image_size: PICTURE,
      patch_size: PATCH,
    },
    text_config: {
      model_type: 'llama',
      vocab_size: tokens.length,
      hidden_size: setting('embedding_length'),
      intermediate_size: setting('feed_forward_length'),
      num_hidden_layers: setting('block_count'),
      num_attention_heads: heads.q,
      num_key_value_heads: heads.k,
      max_position_embeddings: setting('context_length'),
      rms_norm_eps: setting('attention.layer_norm_rms_epsilon'),
      rope_theta: setting('rope.freq_base'),
    },
  }
  const model = modelOf(config)
  const weights = modelParameters(model, { head: false }).map(({ name, dims }): [string, Tensor<'f32'>] => [
    model.weightSpellings(name)[0]!,
    languageWeight(file, name, heads) ??
      f32(dims, fillNormal(new Float32Array(sizeOf(dims)), 0.02, stream(1, name))),
  ])
  await writeSafetensors(join(dir, 'model.safetensors'), Object.fromEntries(weights), { format: 'pt' })
  const merges = listOf(file, 'tokenizer.ggml.merges').map((merge): [string, string] => {
    const [left = '', right = ''] = String(merge).split(' ')
    return [left, right]
  })
  const files = {
    'config.json': config,
    'tokenizer.json': byteLevelTokenizer({
      vocabulary: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
      addedTokens: special,
      pattern: 'qwen2',
    }),
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      image_token: image.content,
      chat_template: TEMPLATE,
    },
    'preprocessor_config.json': {
      image_processor_type: 'CLIPImageProcessor',
      size: { shortest_edge: PICTURE },
      crop_size: { height: PICTURE, width: PICTURE },
      do_resize: true,
      do_center_crop: true,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      do_convert_rgb: true,
      resample: 3,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    },
  }
  for (const [name, json] of Object.entries(files))
    await writeFileAtomic(join(dir, name), JSON.stringify(json))
}

function listOf({ settings }: GgufFile, name: string): string[] {
  const list = settings.get(name)
  if (Array.isArray(list)) return list.map(String)
  throw new BifocalError('script/gguf', {
    message: `the file has no list ${name}`,
    hint: 'Give a Llama with a byte-level tokenizer.',
  })
}

/** A weight of the decoder; undefined for those of tower and projector. */
function languageWeight(
  file: GgufFile,
  name: string,
  heads: { q: number; k: number },
): Tensor<'f32'> | undefined {
  if (name === 'language_model.embed_tokens.weight') return file.tensor('token_embd.weight')
  if (name === 'language_model.norm.weight') return file.tensor('output_norm.weight')
  const [, layer, module = ''] = /^language_model\.layers\.(\d+)\.(.*)\.weight$/.exec(name) ?? []
  const stored = MODULES[module]
  if (layer === undefined || stored === undefined) return undefined
  const weight = file.tensor(`blk.${layer}.${stored}.weight`)
  if (stored === 'attn_q') return halvesApart(weight, heads.q)
  return stored === 'attn_k' ? halvesApart(weight, heads.k) : weight
}

/** GGUF's Llamas turn neighbours (2i, 2i + 1) of a head; ours turn i with i + half a head. */
function halvesApart({ dims, data }: Tensor<'f32'>, heads: number): Tensor<'f32'> {
  const [rows = 0, width = 0] = dims
  const size = rows / heads
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) {
    const [head, within] = [Math.floor(row / size), row % size]
    const from = head * size + (within < size / 2 ? 2 * within : 2 * (within - size / 2) + 1)
    out.set(data.subarray(from * width, (from + 1) * width), row * width)
  }
  return f32(dims, out)
}
