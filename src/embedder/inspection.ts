/** @file What a model folder holds, without running it. */

import type { Model } from '../families/model.ts'
import { openModel } from '../families/open.ts'
import { modelParameters } from '../families/parameters.ts'
import { modelOf } from '../families/registry.ts'
import { checkWeights } from '../families/weights.ts'
import type { ResolveOptions } from '../hub/resolve.ts'
import { BifocalError } from '../numeric/errors.ts'
import { BYTES_PER_ELEMENT, sizeOf } from '../numeric/tensor.ts'
import { type Contract, defaultContract } from './contract.ts'
import { locateModel } from './locate.ts'

export interface Inspection {
  path: string
  family: string
  kind: Model['kind']
  shape: Model['shape']
  /** Positions that an item may take. */
  context: number
  contract: Contract
  /** The adapter folder, where the contract names one. */
  adapter: string | null
  files: string[]
  tensors: {
    stored: number
    /** Stored tensors by dtype. */
    dtypes: Record<string, number>
    /** In the files, but not used for embedding. */
    unused: string[]
    /** What is missing or of another shape, in words; null when all fits. */
    problem: string | null
  }
  /** That embedding uses: no language model head, no logit scale. */
  parameters: { total: number; parts: Record<string, number> }
  /** Bytes of the weights: as the files hold them, and at each precision. */
  memory: { stored: number; f32: number; f16: number; int8: number }
}

/**
 * Reads config, contract and headers; no weight.
 * @param path a folder, or a model's name on the hub
 * @throws EmbedderError `embedder/no-model`; CheckpointError, FamilyError `family/unknown`, `family/config`
 * @example const { family, parameters } = await inspectModel('models/twin-ar')
 */
export async function inspectModel(path: string, options: ResolveOptions = {}): Promise<Inspection> {
  const { contract, base, adapter } = await locateModel(path, options)
  const checkpoint = await openModel(base, options)
  const model = modelOf(checkpoint.config)
  const parameters = model.kind === 'dual-encoder' ? modelParameters(model, { scale: false }) : modelParameters(model, { head: false })
  const { unused, problem } = weightCheck(() => checkWeights(parameters, checkpoint, model.weightSpellings))
  const parts: Record<string, number> = {}
  const dtypes: Record<string, number> = {}
  let [total, stored] = [0, 0]
  for (const { name, dims } of parameters) {
    const size = sizeOf(dims)
    const part = partOf(name)
    parts[part] = (parts[part] ?? 0) + size
    total += size
    const found = model.weightSpellings(name).find((spelling) => checkpoint.tensors.has(spelling))
    const dtype = found === undefined ? undefined : checkpoint.tensors.get(found)?.dtype
    stored += size * BYTES_PER_ELEMENT[dtype ?? 'f32']
  }
  for (const { dtype } of checkpoint.tensors.values()) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1
  return {
    path,
    family: model.family,
    kind: model.kind,
    shape: model.shape,
    context: model.kind === 'dual-encoder' ? model.shape.textLength : model.shape.maxLength,
    contract: contract?.contract ?? defaultContract(model),
    adapter: adapter ?? null,
    files: [...checkpoint.files],
    tensors: { stored: checkpoint.tensors.size, dtypes, unused, problem },
    parameters: { total, parts },
    memory: { stored, f32: total * BYTES_PER_ELEMENT.f32, f16: total * BYTES_PER_ELEMENT.f16, int8: total * BYTES_PER_ELEMENT.i8 },
  }
}

/** Here, weights that do not fit are a finding, not the end. */
function weightCheck(check: () => string[]): { unused: string[]; problem: string | null } {
  try {
    return { unused: check(), problem: null }
  } catch (error) {
    if (error instanceof BifocalError && error.code === 'family/weights') return { unused: [], problem: error.message }
    throw error
  }
}

/** Tower, projector and decoder by the names that the families give them. */
function partOf(name: string): string {
  if (/vision|image_tokenizer|image_newline/.test(name)) return name.includes('newline') ? 'projector' : 'vision'
  if (/projector|projection/.test(name)) return 'projector'
  return /text_model/.test(name) ? 'text' : 'decoder'
}
