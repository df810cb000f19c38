/**
 * @file The mid-size LLaVA that forward pass and tuning step are timed on: random weights in the
 * layout that transformers reads.
 */

import { join } from 'node:path'
import { writeFileAtomic } from '../src/foundation/files/file.ts'
import { BifocalError } from '../src/foundation/numeric/errors.ts'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { f32, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { initialWeights } from '../src/models/families/initial.ts'
import type { VisionLanguageModel } from '../src/models/families/model.ts'
import { modelParameters } from '../src/models/families/parameters.ts'
import { modelOf } from '../src/models/families/registry.ts'

/**
 * The picture's side, a patch's side, and the tokens that come of it: a quarter of 256 positions.
 */
export const PICTURE = 112
const PATCH = 14
export const PICTURE_TOKENS = (PICTURE / PATCH) ** 2

const VOCABULARY = 2048
export const PICTURE_ID = 3

/**
 * A decoder of `layers` × 768 (12 heads, gated 2048: BERT-base's size) behind a small CLIP tower, 4
 * × 384 at 112 pixels.
 */
function configOf(layers: number) {
  return {
    architectures: ['LlavaForConditionalGeneration'],
    model_type: 'llava',
    image_token_index: PICTURE_ID,
    vision_feature_layer: -1,
    vision_feature_select_strategy: 'default',
    vision_config: {
      model_type: 'clip_vision_model',
      hidden_size: 384,
      intermediate_size: 1536,
      num_hidden_layers: 4,
      num_attention_heads: 6,
      image_size: PICTURE,
      patch_size: PATCH,
      projection_dim: 384,
    },
    text_config: {
      model_type: 'llama',
      vocab_size: VOCABULARY,
      hidden_size: 768,
      intermediate_size: 2048,
      num_hidden_layers: layers,
      num_attention_heads: 12,
      num_key_value_heads: 12,
      max_position_embeddings: 1024,
      rms_norm_eps: 1e-5,
      rope_theta: 10000,
    },
  }
}

export interface MidSizeModel {
  model: VisionLanguageModel
  /** By canonical name. */
  weights: Record<string, Tensor<'f32'>>
}

/** Writes config.json and model.safetensors into `dir` for the peer, and gives the same weights. */
export async function writeMidSizeModel(dir: string, layers: number): Promise<MidSizeModel> {
  const config = configOf(layers)
  const model = modelOf(config)
  if (model.kind !== 'vision-language')
    throw new BifocalError('bench/model', {
      message: 'no vision-language model',
      hint: 'Mend the config above.',
    })
  const weights = initialWeights(modelParameters(model), { seed: 1, layers })
  const stored = Object.entries(weights).map(([name, value]) => [model.weightSpellings(name)[0]!, value])
  await writeFileAtomic(join(dir, 'config.json'), JSON.stringify(config))
  await writeSafetensors(join(dir, 'model.safetensors'), Object.fromEntries(stored), { format: 'pt' })
  return { model, weights }
}

/** Normal pixels `[views, 3, 112, 112]`. */
export function randomPixels(views: number): Tensor<'f32'> {
  return f32(
    [views, 3, PICTURE, PICTURE],
    fillNormal(new Float32Array(views * 3 * PICTURE ** 2), 1, stream(1, 'pixels')),
  )
}

export interface RandomSequences {
  /** Ids and image rows of `batch · positions` places. */
  ids: number[]
  imageIndex: number[]
}

/** Sequences of random text; with pictures, each starts with the tokens of its own. */
export function randomSequences(
  batch: number,
  positions: number,
  { pictures, key }: { pictures: boolean; key: string },
): RandomSequences {
  const random = stream(1, key)
  const tokens = pictures ? PICTURE_TOKENS : 0
  const ids: number[] = []
  const imageIndex: number[] = []
  for (let b = 0; b < batch; b++) {
    for (let at = 0; at < positions; at++) {
      const picture = at < tokens
      ids.push(picture ? PICTURE_ID : PICTURE_ID + 1 + Math.floor(random() * (VOCABULARY - PICTURE_ID - 1)))
      imageIndex.push(picture ? b * tokens + at : -1)
    }
  }
  return { ids, imageIndex }
}
