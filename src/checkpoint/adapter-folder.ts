/** @file Adapter folders in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { toF32 } from '../numeric/float.ts'
import type { Tensor } from '../numeric/tensor.ts'
import { type Adapter, type AdapterConfig, adapterParameters, type LowRankUpdate, rankOf, scaleOf } from './adapter.ts'
import { CheckpointError } from './errors.ts'
import { readJson, writeFileAtomic } from './file.ts'
import { loadSafetensors, writeSafetensors } from './safetensors.ts'

const CONFIG = 'adapter_config.json'
const TENSORS = 'adapter_model.safetensors'
const PREFIX = 'base_model.model.'

const regularExpression = z.string().refine(compiles, 'is no regular expression')
const patterns = z.record(regularExpression, z.number().positive()).nullish()

/** Keys that change what an adapter does. PEFT's many others are tolerated. */
const configSchema = z.object({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  target_modules: z.union([z.array(z.string()), z.string()]).nullish(),
  rank_pattern: patterns,
  alpha_pattern: patterns,
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  bias: z.string().nullish(),
  lora_bias: z.boolean().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  trainable_token_indices: z.unknown().optional(),
  layer_replication: z.unknown().optional(),
})

/**
 * Reads an adapter; f16 and bf16 tensors become f32.
 * @throws FileError `file/missing`, `file/json`, `file/schema`; CheckpointError; CheckpointError `checkpoint/adapter-kind` for kinds other than plain
 * LoRA, `checkpoint/adapter-tensors` when the tensors are not those that the config asks for
 * @see specs/vlm2vec-mmeb.md §5.8
 */
export async function readAdapter(dir: string): Promise<Adapter> {
  const parsed = await readJson(join(dir, CONFIG), configSchema)
  requirePlainLora(dir, parsed)
  if (!existsSync(join(dir, TENSORS)) && existsSync(join(dir, 'adapter_model.bin'))) {
    throw new CheckpointError('adapter-kind', {
      message: `${dir} has a pickled adapter_model.bin, which is not read`,
      hint: `Convert it to ${TENSORS}.`,
    })
  }
  const config: AdapterConfig = {
    baseModel: parsed.base_model_name_or_path ?? null,
    revision: parsed.revision ?? null,
    rank: parsed.r,
    alpha: parsed.lora_alpha,
    rankStabilised: parsed.use_rslora ?? false,
    rankPattern: parsed.rank_pattern ?? {},
    alphaPattern: parsed.alpha_pattern ?? {},
    targets: parsed.target_modules ?? [],
  }
  return { config, modules: pairTensors(dir, config, await loadSafetensors(join(dir, TENSORS))) }
}

/**
 * Writes a folder that PEFT loads: the tensors first, so that a folder with a config is complete.
 * @throws FileError `file/disk-full`, `file/write`
 */
export async function writeAdapter(dir: string, adapter: Adapter): Promise<void> {
  const tensors = Object.entries(adapterParameters(adapter)).map(([name, value]) => [PREFIX + name, value])
  await writeSafetensors(join(dir, TENSORS), Object.fromEntries(tensors), { format: 'pt' })
  await writeFileAtomic(join(dir, CONFIG), `${JSON.stringify(peftConfig(adapter.config), null, 2)}\n`)
}

function peftConfig({ baseModel, revision, rank, alpha, rankStabilised, rankPattern, alphaPattern, targets }: AdapterConfig) {
  return {
    alpha_pattern: alphaPattern,
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: 'gaussian',
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: alpha,
    lora_dropout: 0,
    megatron_config: null,
    megatron_core: 'megatron.core',
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: rankPattern,
    revision,
    target_modules: targets,
    task_type: null,
    use_dora: false,
    use_rslora: rankStabilised,
  }
}

function requirePlainLora(dir: string, config: z.infer<typeof configSchema>): void {
  const problems = [
    config.peft_type !== 'LORA' && `peft_type ${config.peft_type}`,
    config.use_dora && 'DoRA',
    config.fan_in_fan_out && 'fan_in_fan_out',
    (config.bias ?? 'none') !== 'none' && `trained biases (${config.bias})`,
    config.lora_bias && 'biases of LoRA',
    (config.modules_to_save ?? []).length > 0 && `fully trained modules (${config.modules_to_save?.join(', ')})`,
    (config.trainable_token_indices ?? null) !== null && 'trained tokens',
    (config.layer_replication ?? null) !== null && 'replicated layers',
  ].filter((problem) => typeof problem === 'string')
  if (problems.length === 0) return
  throw new CheckpointError('adapter-kind', {
    message: `${join(dir, CONFIG)} asks for ${problems.join(', ')}; plain LoRA is read`,
    hint: 'Merge the adapter into its base model with PEFT (merge_and_unload) and load the merged checkpoint.',
  })
}

/** Joins A and B of each module, checked against each other and the config's ranks. */
function pairTensors(dir: string, config: AdapterConfig, tensors: ReadonlyMap<string, Tensor>): Map<string, LowRankUpdate> {
  const modules = new Map<string, LowRankUpdate>()
  const problems: string[] = []
  for (const [name, value] of tensors) {
    const found = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(name)
    const module = found?.[1]
    if (module === undefined) problems.push(`${name} belongs to no LoRA layer`)
    else if (found?.[2] === 'A') {
      const up = tensors.get(`${PREFIX}${module}.lora_B.weight`)
      const rank = rankOf(config, module)
      if (up === undefined) problems.push(`${module} has no lora_B`)
      else if (value.dims.length !== 2 || up.dims.length !== 2 || value.dims[0] !== rank || up.dims[1] !== rank)
        problems.push(`${module} has lora_A [${value.dims}] and lora_B [${up.dims}], rank ${rank} is expected`)
      else modules.set(module, { down: toF32(value), up: toF32(up), scale: scaleOf(config, module) })
    } else if (!tensors.has(`${PREFIX}${module}.lora_A.weight`)) problems.push(`${module} has no lora_A`)
  }
  if (modules.size === 0) problems.push('no module is adapted')
  if (problems.length === 0) return modules
  throw new CheckpointError('adapter-tensors', {
    message: `${join(dir, TENSORS)} does not fit its config: ${problems.slice(0, 5).join('; ')}${problems.length > 5 ? `; and ${problems.length - 5} more` : ''}`,
    hint: 'Are both files of the folder from one adapter?',
  })
}

function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern)
    return true
  } catch {
    return false
  }
}
