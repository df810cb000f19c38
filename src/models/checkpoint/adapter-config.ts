/** @file `adapter_config.json` as PEFT writes and reads it. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { FileError } from '../../foundation/files/errors.ts'
import { readJson } from '../../foundation/files/file.ts'
import type { AdapterConfig, PythonClass } from './adapter.ts'
import { pythonPattern } from './adapter-targets.ts'
import { CheckpointError } from './errors.ts'
import { ADAPTER_CONFIG, adapterNearby } from './sub-folders.ts'

const NO_PATTERN = 'is no regular expression'
const patterns = z.record(z.string().refine(compiles, NO_PATTERN), z.number().positive()).nullish()
/** Path endings, or a regular expression for the whole path. */
const modules = z.union([z.array(z.string()), z.string().refine(compiles, NO_PATTERN)]).nullish()
const texts = z.union([z.array(z.string()), z.string()]).nullish()
const id = z.int().min(0)

/**
 * The keys that change the effect of an adapter. PEFT has many others, which matter in training
 * only and are ignored.
 */
const configSchema = z.object({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  target_modules: modules,
  exclude_modules: modules,
  layers_to_transform: z.union([z.array(id), id]).nullish(),
  layers_pattern: texts,
  rank_pattern: patterns,
  alpha_pattern: patterns,
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  bias: z.enum(['none', 'all', 'lora_only']).nullish(),
  lora_bias: z.boolean().nullish(),
  modules_to_save: z.array(z.string().refine(compiles, NO_PATTERN)).nullish(),
  trainable_token_indices: z.union([z.array(id), z.record(z.string(), z.array(id))]).nullish(),
  init_lora_weights: z.unknown().optional(),
  auto_mapping: z
    .looseObject({ base_model_class: z.string(), parent_library: z.string() })
    .nullish()
    .catch(null),
  lora_dropout: z.number().min(0).max(1).nullish(),
  target_parameters: z.array(z.string()).nullish(),
  layer_replication: z.unknown().optional(),
  alora_invocation_tokens: z.unknown().optional(),
  use_qalora: z.boolean().nullish(),
  use_bdlora: z.unknown().optional(),
  arrow_config: z.unknown().optional(),
  kasa_config: z.unknown().optional(),
})
type Published = z.infer<typeof configSchema>

/**
 * Reads the config of the adapter in `dir`. It ignores `fan_in_fan_out`, which is for layers with
 * transposed weights: no family has such layers, and PEFT ignores the key at all others.
 * @throws FileError `file/missing`, `file/json`, `file/schema`; CheckpointError
 *   `checkpoint/adapter-kind` for an adapter of another kind
 * @see specs/vlm2vec-mmeb.md §5.8; Hu et al. 2021
 */
export async function readAdapterConfig(dir: string): Promise<AdapterConfig> {
  const path = join(dir, ADAPTER_CONFIG)
  const hint = existsSync(path) ? undefined : await adapterNearby(dir)
  if (hint !== undefined) throw new FileError('missing', { message: `${path} does not exist`, hint })
  const published = await readJson(path, configSchema)
  requireKnownKind(path, published)
  return {
    baseModel: published.base_model_name_or_path ?? null,
    revision: published.revision ?? null,
    rank: published.r,
    alpha: published.lora_alpha,
    rankStabilised: published.use_rslora ?? false,
    rankPattern: published.rank_pattern ?? {},
    alphaPattern: published.alpha_pattern ?? {},
    targets: published.target_modules ?? [],
    excluded: published.exclude_modules ?? [],
    layers: [published.layers_to_transform ?? []].flat(),
    layersPattern: [published.layers_pattern ?? []].flat().filter((pattern) => pattern !== ''),
    saved: published.modules_to_save ?? [],
    bias: published.bias ?? 'none',
    dora: published.use_dora ?? false,
    updateBias: published.lora_bias ?? false,
    tokenIds: published.trainable_token_indices ?? null,
    ...(published.auto_mapping ? { baseClass: classOf(published.auto_mapping) } : {}),
    ...(published.lora_dropout ? { dropout: published.lora_dropout } : {}),
    ...(published.init_lora_weights === true ? { initial: 'kaiming' } : {}),
  }
}

/**
 * Spells the config as PEFT does: with all keys of its older releases, and those keys of newer
 * releases that the adapter needs.
 */
export function peftConfig(config: AdapterConfig): Readonly<Record<string, unknown>> {
  const orNull = <T extends { length: number }>(list: T) => (list.length === 0 ? null : list)
  return {
    alpha_pattern: config.alphaPattern,
    auto_mapping:
      config.baseClass === undefined
        ? null
        : { base_model_class: config.baseClass.name, parent_library: config.baseClass.module },
    base_model_name_or_path: config.baseModel,
    bias: config.bias,
    exclude_modules: orNull(config.excluded),
    fan_in_fan_out: false,
    inference_mode: true,
    // PEFT allows biases of B only where A began in its own way.
    init_lora_weights: config.updateBias || config.initial === 'kaiming' ? true : 'gaussian',
    layer_replication: null,
    layers_pattern: orNull(config.layersPattern),
    layers_to_transform: orNull(config.layers),
    loftq_config: {},
    lora_alpha: config.alpha,
    ...(config.updateBias ? { lora_bias: true } : {}),
    lora_dropout: config.dropout ?? 0,
    megatron_config: null,
    megatron_core: 'megatron.core',
    modules_to_save: orNull(config.saved),
    peft_type: 'LORA',
    r: config.rank,
    rank_pattern: config.rankPattern,
    revision: config.revision,
    target_modules: config.targets,
    task_type: null,
    ...(config.tokenIds === null ? {} : { trainable_token_indices: config.tokenIds }),
    use_dora: config.dora,
    use_rslora: config.rankStabilised,
  }
}

function classOf(given: NonNullable<Published['auto_mapping']>): PythonClass {
  return { name: given.base_model_class, module: given.parent_library }
}

/**
 * Initialisations that change the base model's weights too. A program that loads such an adapter
 * would have to repeat the change.
 */
const CHANGES_BASE = /^(pissa|olora|loftq|corda|lora_ga)/

function requireKnownKind(path: string, config: Published): void {
  const given = (value: unknown) => value !== null && value !== undefined && value !== false
  const { init_lora_weights: init } = config
  const problems = [
    config.peft_type !== 'LORA' && `peft_type ${config.peft_type}`,
    typeof init === 'string' && CHANGES_BASE.test(init) && `weights that began with ${init}`,
    (config.target_parameters ?? []).length > 0 &&
      `updates of single parameters (${config.target_parameters?.join(', ')})`,
    given(config.layer_replication) && 'replicated layers',
    given(config.alora_invocation_tokens) && 'updates that start at a token (aLoRA)',
    given(config.use_qalora) && 'QALoRA',
    given(config.use_bdlora) && 'block-diagonal updates',
    given(config.arrow_config) && 'routed updates (Arrow)',
    given(config.kasa_config) && 'KaSA',
  ].filter((problem) => typeof problem === 'string')
  if (problems.length === 0) return
  throw new CheckpointError('adapter-kind', {
    message: `${path} asks for ${problems.join(', ')}; LoRA, rank-stabilised LoRA and DoRA are read`,
    hint: 'Merge the adapter into its base model with PEFT (merge_and_unload) and load the merged checkpoint.',
  })
}

function compiles(pattern: string): boolean {
  try {
    pythonPattern(pattern)
    return true
  } catch {
    return false
  }
}
