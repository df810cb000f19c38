/**
 * @file The rows of the parity table that need no fixture: a published config of each family, and
 * the graph that it gives.
 */

import { sizeOf } from '../../src/foundation/numeric/tensor.ts'
import { modelParameters } from '../../src/models/families/parameters.ts'
import { familyNames, modelOf } from '../../src/models/families/registry.ts'
import { lladaConfig } from '../../test/configs/lavida.ts'
import { mmadaConfig } from '../../test/configs/mmada.ts'
import * as configs from '../../test/configs/published.ts'

export interface FamilyRow {
  readonly name: string
  /** A published config from which the graph was built, and the parameters that it asks for. */
  readonly published?: { readonly repository: string; readonly parameters: number }
}

/** By family; families of which no published config was at hand are absent. */
const published: ReadonlyMap<
  string,
  { readonly repository: string; readonly config: Readonly<Record<string, unknown>> }
> = new Map([
  ['llava-original', { repository: 'liuhaotian/llava-v1.5-7b', config: configs.llavaOriginal7b }],
  ['llava', { repository: 'llava-hf/llava-1.5-7b-hf', config: configs.llava7b }],
  ['llava-next', { repository: 'llava-hf/llava-v1.6-mistral-7b-hf', config: configs.llavaNextMistral }],
  [
    'llava-onevision',
    { repository: 'llava-hf/llava-onevision-qwen2-0.5b-ov-hf', config: configs.onevisionHalf },
  ],
  ['idefics3', { repository: 'HuggingFaceTB/SmolVLM-256M-Instruct', config: configs.smolvlm256m }],
  ['mmada', { repository: 'Gen-Verse/MMaDA-8B-Base', config: mmadaConfig }],
  ['lavida', { repository: 'jacklishufan/lavida-llada-v1.0-instruct', config: lladaConfig }],
  ['qwen2-vl', { repository: 'Qwen/Qwen2-VL-2B-Instruct', config: configs.qwen2vl2b }],
  ['qwen2.5-vl', { repository: 'Qwen/Qwen2.5-VL-3B-Instruct', config: configs.qwen25vl3b }],
  ['qwen3-vl', { repository: 'Qwen/Qwen3-VL-4B-Instruct', config: configs.qwen3vl4b }],
  ['dream-vl', { repository: 'DreamLM/Dream-VLX (its config)', config: configs.dreamVl7b }],
  ['dimple', { repository: 'yu-rp/Dimple (defaults of its class)', config: configs.dimple7b }],
  [
    'diffusionvl',
    { repository: 'hustvl/DiffusionVL-Qwen2.5VL-3B (keys of its class)', config: configs.diffusionVl3b },
  ],
  ['sdar-vl', { repository: 'JetAstra/SDAR-VL 4B (its config)', config: configs.sdarVl4b }],
  [
    'omni-diffusion',
    { repository: 'VITA-MLLM/Omni-Diffusion (sizes of its code)', config: configs.omniDiffusion7b },
  ],
  ['clip', { repository: 'openai/clip-vit-base-patch32', config: configs.clipBase }],
  ['siglip', { repository: 'google/siglip-base-patch16-224', config: configs.siglipBase }],
])

/** All registered families, in their order. */
export function familyRows(): FamilyRow[] {
  return familyNames.map((name) => {
    const known = published.get(name)
    if (known === undefined) return { name }
    const parameters = modelParameters(modelOf(known.config)).reduce((sum, { dims }) => sum + sizeOf(dims), 0)
    return { name, published: { repository: known.repository, parameters } }
  })
}
