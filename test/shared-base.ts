/**
 * @file Tiny random models that share a base, in the layouts of Qwen2.5-VL, DiffusionVL, Fast-dVLM
 * and MoCa: what a study of pairs is tested on.
 */

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { f32, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { initialWeights } from '../src/models/families/initial.ts'
import { modelParameters } from '../src/models/families/parameters.ts'
import { modelOf } from '../src/models/families/registry.ts'
import { goldenDir } from './golden.ts'

const LAYERS = 1
const SIZES = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: LAYERS,
  num_attention_heads: 2,
  num_key_value_heads: 2,
  rope_scaling: { type: 'mrope', mrope_section: [4, 2, 2] },
}
/** Pictures of 4 to 16 tokens. */
const PIXELS = { min_pixels: 56 ** 2, max_pixels: 112 ** 2 }
const BLOCK = 4
/** Each number of the decoder is moved by a normal share of itself. */
const MOVED = 0.1

export interface SharedBase {
  /** Qwen2.5-VL. */
  readonly base: string
  readonly diffusionVl: string
  readonly fastDvlm: string
  /** Found by its name: the preset says bidirectional attention. */
  readonly moca: string
  /** Of the same shapes, with weights of its own. */
  readonly unrelated: string
}

/** Writes the models into `dir`, each in a folder of its published name. */
export async function writeSharedBase(dir: string): Promise<SharedBase> {
  const fixture = join(goldenDir('qwen2.5-vl'), 'checkpoint')
  const json: Record<string, unknown> & { vision_config: object } = {
    ...JSON.parse(readFileSync(join(fixture, 'config.json'), 'utf8')),
    ...SIZES,
  }
  const config = {
    ...json,
    vision_config: {
      ...json.vision_config,
      depth: 1,
      fullatt_block_indexes: [0],
      out_hidden_size: SIZES.hidden_size,
    },
  }
  const model = modelOf(config)
  const weightsOf = (seed: number) => initialWeights(modelParameters(model), { seed, layers: LAYERS })
  const base = weightsOf(1)
  const write = async (name: string, own: object, tensors: readonly (readonly [string, Tensor])[]) => {
    const folder = join(dir, name)
    mkdirSync(folder, { recursive: true })
    for (const file of readdirSync(fixture))
      if (!/safetensors|^config\.json$/.test(file)) cpSync(join(fixture, file), join(folder, file))
    const processor = join(folder, 'preprocessor_config.json')
    const pictures = JSON.parse(readFileSync(processor, 'utf8'))
    writeFileSync(processor, JSON.stringify({ ...pictures, ...PIXELS }))
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...own }))
    await writeSafetensors(join(folder, 'model.safetensors'), Object.fromEntries(tensors))
    return folder
  }
  const published = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.entries(tensors).map(([name, value]) => [model.weightSpellings(name)[0] ?? name, value] as const)
  const ofDiffusionVl = Object.entries(moved(base, 'diffusionvl')).map(([name, value]) => {
    const own = name
      .replace(/^language_model\./, 'model.')
      .replace(/^visual\.merger\./, 'model.mm_projector.merger.')
      .replace(/^visual\./, 'model.vision_tower.vision_tower.')
    return [own, value] as const
  })
  const fast = { architectures: ['Fast_dLLM_Qwen2_5_VLForConditionalGeneration'] }
  const diffusion = {
    model_type: 'diffusionvl_qwenvl',
    enable_bd3lm: true,
    bd3lm_block_size: BLOCK,
    ...PIXELS,
  }
  return {
    base: await write('Qwen2.5-VL-3B-Instruct', {}, published(base)),
    diffusionVl: await write('DiffusionVL-Qwen2.5VL-3B', diffusion, ofDiffusionVl),
    fastDvlm: await write('Fast-dVLM-3B', fast, published(moved(base, 'fast'))),
    moca: await write('MoCa-Qwen25VL-3B', {}, published(moved(base, 'moca'))),
    unrelated: await write('unrelated', {}, published(weightsOf(2))),
  }
}

/** The same tower, a decoder that was trained on. */
function moved(base: Readonly<Record<string, Tensor<'f32'>>>, seed: string): Record<string, Tensor<'f32'>> {
  return Object.fromEntries(
    Object.entries(base).map(([name, { dims, data }]) => {
      if (name.startsWith('visual.')) return [name, f32(dims, data)]
      const share = fillNormal(new Float32Array(data.length), MOVED, stream(seed, name))
      return [
        name,
        f32(
          dims,
          data.map((value, i) => value * (1 + share[i]!)),
        ),
      ]
    }),
  )
}
