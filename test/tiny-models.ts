/** @file Tiny random models of the families that have no reference fixture. */

import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { initialWeights } from '../src/models/families/initial.ts'
import { modelParameters } from '../src/models/families/parameters.ts'
import { modelOf } from '../src/models/families/registry.ts'
import { lladaVConfig } from './configs/llada-v.ts'
import { llavaOriginal7b } from './configs/published.ts'

const LAYERS = 2
const SIZES = {
  hidden_size: 24,
  intermediate_size: 48,
  num_hidden_layers: LAYERS,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  mm_hidden_size: 24,
  max_position_embeddings: 4096,
  tokenizer_model_max_length: 4096,
}

const twinSchema = z.object({
  vision_config: z.record(z.string(), z.unknown()),
  vocab_size: z.number(),
  eos_token_id: z.number(),
  mask_token_id: z.number(),
})

/**
 * LLaVA-1.5 in its authors' layout, and LLaDA-V.
 * @param twin a random twin in LaViDa's layout (`writeRandomTwins`): its tower, tokenizer and
 *   prompt are taken
 */
export async function writeTinyModels(
  dir: string,
  twin: string,
): Promise<{ llavaOriginal: string; lladaV: string }> {
  const { vision_config, ...ids } = twinSchema.parse(
    JSON.parse(readFileSync(join(twin, 'config.json'), 'utf8')),
  )
  const configs = {
    'llava-original': { ...llavaOriginal7b, ...SIZES, ...ids, vision_config },
    'llada-v': { ...lladaVConfig, ...SIZES, ...ids, vision_config },
  }
  for (const [name, config] of Object.entries(configs)) {
    const folder = join(dir, name)
    cpSync(twin, folder, { recursive: true })
    const model = modelOf(config)
    const weights = initialWeights(modelParameters(model), { seed: 1, layers: LAYERS })
    const stored = Object.entries(weights).map(([own, value]) => [model.weightSpellings(own)[0], value])
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    await writeSafetensors(join(folder, 'model.safetensors'), Object.fromEntries(stored))
  }
  return { llavaOriginal: join(dir, 'llava-original'), lladaV: join(dir, 'llada-v') }
}
