/**
 * @file Reads and writes adapter folders in PEFT's layout: `adapter_config.json` and
 * `adapter_model.safetensors`.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '../../foundation/files/file.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { Adapter, AdapterConfig, LowRankUpdate, TrainedRows } from './adapter.ts'
import { peftConfig, readAdapterConfig } from './adapter-config.ts'
import { isSaved, isTargeted, rankOf, scaleOf } from './adapter-targets.ts'
import { CheckpointError } from './errors.ts'
import { loadSafetensors, writeSafetensors } from './safetensors.ts'
import { ADAPTER_CONFIG } from './sub-folders.ts'

const TENSORS = 'adapter_model.safetensors'
const PREFIX = 'base_model.model.'

/**
 * Reads an adapter; f16 and bf16 tensors become f32.
 * @throws FileError `file/missing`, `file/json`, `file/schema`; CheckpointError
 *   `checkpoint/adapter-kind` for an adapter of another kind, `checkpoint/adapter-tensors` when the
 *   tensors contradict the config, and those of `loadSafetensors`
 * @see specs/vlm2vec-mmeb.md §5.8
 */
export async function readAdapter(dir: string): Promise<Adapter> {
  const config = await readAdapterConfig(dir)
  if (!existsSync(join(dir, TENSORS)) && existsSync(join(dir, 'adapter_model.bin'))) {
    throw new CheckpointError('adapter-kind', {
      message: `${dir} has a pickled adapter_model.bin, which is not read`,
      hint: `Convert it to ${TENSORS}.`,
    })
  }
  const path = join(dir, TENSORS)
  const stored = await loadSafetensors(path)
  return sorted(
    path,
    config,
    new Map([...stored].map(([name, tensor]) => [name, floating(path, name, tensor)])),
  )
}

function floating(path: string, name: string, tensor: Tensor): Tensor<'f32'> {
  try {
    return toF32(tensor)
  } catch (cause) {
    throw new CheckpointError('adapter-tensors', {
      message: `${path}: ${name} is ${tensor.dtype}, expected f32, f16 or bf16`,
      hint: 'Quantized adapters are not read: take the one that was saved in floats.',
      cause,
    })
  }
}

/**
 * Writes a folder that PEFT loads. It writes the tensors first, so that a folder with a config is
 * complete.
 * @throws FileError `file/disk-full`, `file/write`
 */
export async function writeAdapter(dir: string, adapter: Adapter): Promise<void> {
  const tensors: Record<string, Tensor> = {}
  for (const [module, { down, up, magnitude, shift, layout }] of adapter.modules) {
    const name = (part: string) => `${PREFIX}${module}.${part}`
    tensors[name(layout === 'embedding' ? 'lora_embedding_A' : 'lora_A.weight')] = down
    tensors[name(layout === 'embedding' ? 'lora_embedding_B' : 'lora_B.weight')] = up
    if (shift !== undefined) tensors[name('lora_B.bias')] = shift
    if (magnitude !== undefined)
      tensors[name('lora_magnitude_vector')] = storedMagnitude(magnitude, layout, down.dims.length)
  }
  for (const [name, value] of adapter.replaced ?? []) {
    const [module, part] = split(name)
    tensors[`${PREFIX}${module}${adapter.modules.has(module) ? '.base_layer' : ''}.${part}`] = value
  }
  for (const [module, { values }] of adapter.rows ?? []) tensors[`${PREFIX}${module}.${ROWS}`] = values
  await writeSafetensors(join(dir, TENSORS), tensors, { format: 'pt' })
  await writeFileAtomic(join(dir, ADAPTER_CONFIG), `${JSON.stringify(peftConfig(adapter.config), null, 2)}\n`)
}

/** A convolution's magnitudes lie along the second axis of a kernel. */
function storedMagnitude(
  { data }: Tensor<'f32'>,
  layout: LowRankUpdate['layout'],
  axes: number,
): Tensor<'f32'> {
  return layout === 'convolution'
    ? f32([1, data.length, ...Array(axes - 2).fill(1)], data)
    : f32([data.length], data)
}

const ROWS = 'token_adapter.trainable_tokens_delta'
/**
 * The parts of an update, recognised by the end of a tensor's name. A raw training state also has
 * the adapter's name, `default`.
 */
const PARTS: readonly [
  part: 'down' | 'up' | 'shift' | 'magnitude',
  layout: LowRankUpdate['layout'],
  end: RegExp,
][] = [
  ['down', undefined, /\.lora_A(\.default)?\.weight$/],
  ['up', undefined, /\.lora_B(\.default)?\.weight$/],
  ['shift', undefined, /\.lora_B(\.default)?\.bias$/],
  ['magnitude', undefined, /\.lora_magnitude_vector(\.default)?(\.weight)?$/],
  ['down', 'embedding', /\.lora_embedding_A(\.default)?$/],
  ['up', 'embedding', /\.lora_embedding_B(\.default)?$/],
]

type Parts = Partial<Record<'down' | 'up' | 'shift' | 'magnitude', Tensor<'f32'>>> &
  Pick<LowRankUpdate, 'layout'>

/** Sorts tensors by their purpose. One error names all that do not fit. */
function sorted(path: string, config: AdapterConfig, tensors: ReadonlyMap<string, Tensor<'f32'>>): Adapter {
  const parts = new Map<string, Parts>()
  const replaced = new Map<string, Tensor<'f32'>>()
  const rows = new Map<string, TrainedRows>()
  const problems: string[] = []
  for (const [stored, tensor] of tensors) {
    const name = stored.startsWith(PREFIX) ? stored.slice(PREFIX.length) : stored
    const part = PARTS.find(([, , end]) => end.test(name))
    const whole = name.replace(/\.(base_layer|modules_to_save(\.default)?)(?=\.)/, '')
    if (part !== undefined) {
      const [kind, layout, end] = part
      const module = name.replace(end, '')
      parts.set(module, { ...parts.get(module), ...(layout === undefined ? {} : { layout }), [kind]: tensor })
    } else if (name.endsWith(`.${ROWS}`)) {
      const module = name.slice(0, -ROWS.length - 1)
      const ids = idsOf(config, module)
      if (ids.length === tensor.dims[0]) rows.set(module, { ids, values: tensor })
      else problems.push(`${name} has [${tensor.dims}], the config names ${ids.length} rows`)
    } else if (isWhole(config, name)) replaced.set(whole, tensor)
    else problems.push(`${name} belongs to nothing that the config adapts`)
  }
  const modules = new Map<string, LowRankUpdate>()
  for (const [module, given] of parts) {
    const update = updateOf(config, module, given, problems)
    if (update !== undefined) modules.set(module, update)
  }
  if (modules.size + replaced.size + rows.size === 0) problems.push('no module is adapted')
  if (problems.length === 0)
    return { config, modules, ...(replaced.size > 0 ? { replaced } : {}), ...(rows.size > 0 ? { rows } : {}) }
  throw new CheckpointError('adapter-tensors', {
    message: `${path} does not fit its config: ${problems.slice(0, 5).join('; ')}${problems.length > 5 ? `; and ${problems.length - 5} more` : ''}`,
    hint: 'Are both files of the folder from one adapter?',
  })
}

/** Joins the parts of one module, and checks them against each other and the config. */
function updateOf(
  config: AdapterConfig,
  module: string,
  parts: Parts,
  problems: string[],
): LowRankUpdate | undefined {
  const { down, up, shift, magnitude } = parts
  const found = problems.length
  if (down === undefined || up === undefined) {
    problems.push(`${module} has no lora_${down === undefined ? 'A' : 'B'}`)
    return undefined
  }
  const rank = rankOf(config, module)
  const layout = parts.layout ?? (down.dims.length > 2 ? 'convolution' : 'linear')
  // The kernel of B is a single point.
  const flat =
    layout === 'convolution'
      ? up.dims.slice(2).every((size) => size === 1)
      : down.dims.length === 2 && up.dims.length === 2
  const out = up.dims[0]
  if (!flat || down.dims[0] !== rank || up.dims[1] !== rank)
    problems.push(`${module} has lora_A [${down.dims}] and lora_B [${up.dims}], rank ${rank} is expected`)
  if (!isTargeted(config, module)) problems.push(`${module} is adapted, but the config does not target it`)
  if ((magnitude !== undefined) !== config.dora)
    problems.push(
      `${module} has ${magnitude === undefined ? 'no' : 'a'} magnitude vector, the config says use_dora ${config.dora}`,
    )
  for (const vector of [magnitude, shift])
    if (vector !== undefined && vector.data.length !== out)
      problems.push(`${module} has a vector [${vector.dims}] for ${out} outputs`)
  if (problems.length > found) return undefined
  return {
    down,
    up,
    scale: scaleOf(config, module),
    ...(layout === 'linear' ? {} : { layout }),
    ...(shift === undefined ? {} : { shift }),
    ...(magnitude === undefined ? {} : { magnitude: f32([magnitude.data.length], magnitude.data) }),
  }
}

/**
 * Whether a tensor replaces one of the base: of a module that was trained whole, a bias, the base
 * of an adapted layer, or a table that PEFT saves when the vocabulary grew.
 */
function isWhole(config: AdapterConfig, name: string): boolean {
  const inSaved = isSaved(config, name) || /\.modules_to_save\./.test(name)
  const bias = config.bias !== 'none' && name.endsWith('.bias')
  return (
    inSaved ||
    bias ||
    name.includes('.base_layer.') ||
    /(^|\.)(embed_tokens|lm_head|wte|ff_out)\.weight$/.test(name)
  )
}

/**
 * The ids of a table's trained rows. A list without a name is for the one embedding table of the
 * model.
 */
function idsOf({ tokenIds }: AdapterConfig, module: string): readonly number[] {
  if (tokenIds === null) return []
  if (isList(tokenIds)) return tokenIds
  return Object.entries(tokenIds).find(([name]) => module === name || module.endsWith(`.${name}`))?.[1] ?? []
}

function isList(ids: NonNullable<AdapterConfig['tokenIds']>): ids is readonly number[] {
  return Array.isArray(ids)
}

/** `a.b.weight` → `a.b`, `weight`. */
function split(name: string): [module: string, part: string] {
  const dot = name.lastIndexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}
