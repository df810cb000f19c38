/** @file Describes a model folder without running the model. */

import { join } from 'node:path'
import { PRECISIONS, type Precision } from '../../engine/graph/compiled.ts'
import { type Graph, isNode } from '../../engine/graph/graph.ts'
import { planPrecision } from '../../engine/graph/precision.ts'
import { formBytes } from '../../engine/runtime/weight-form.ts'
import { BYTES_PER_ELEMENT, sizeOf } from '../../foundation/numeric/tensor.ts'
import type { Model } from '../families/model.ts'
import { openModel } from '../families/open.ts'
import { modelGraph } from '../families/parameters.ts'
import { modelOf } from '../families/registry.ts'
import { checkpointWeights, fitOf, parametersOf, type WeightFit } from '../families/weights.ts'
import type { ResolveOptions } from '../hub/resolve.ts'
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
    /** Parameters of the model: one tensor each. */
    expected: number
    /** Stored tensors by dtype. */
    dtypes: Record<string, number>
  } & WeightFit
  /** That embedding uses: no language model head, no logit scale. */
  parameters: { total: number; parts: Record<string, number> }
  /**
   * Bytes of the weights: as the files hold them, and as they are held at each precision on the
   * CPU, in the memory mode `fast`.
   */
  memory: { stored: number } & Record<Precision, number>
}

/**
 * Reads config, contract and headers; no weight.
 * @param path a folder, or a model's name on the hub
 * @throws EmbedderError `embedder/no-model`; CheckpointError, FamilyError `family/unknown`,
 *   `family/config`
 * @example const { family, parameters } = await inspectModel('bifocal:twin-ar')
 */
export async function inspectModel(path: string, options: ResolveOptions = {}): Promise<Inspection> {
  const { contract, base, adapter } = await locateModel(path, options)
  const checkpoint = await openModel(base, options)
  const model = modelOf(checkpoint.config, join(checkpoint.dir, 'config.json'))
  const { storedDtype, find } = checkpointWeights(checkpoint, model.weightSpellings)
  const graph = modelGraph(model, { head: false, scale: false, storedDtype })
  const parameters = parametersOf(graph)
  const parts: Record<string, number> = {}
  const dtypes: Record<string, number> = {}
  let [total, stored] = [0, 0]
  for (const { name, dims } of parameters) {
    const size = sizeOf(dims)
    const part = partOf(name)
    parts[part] = (parts[part] ?? 0) + size
    total += size
    stored += size * BYTES_PER_ELEMENT[find(name)?.dtype ?? 'f32']
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
    // Weights that do not fit are a finding here, not the end.
    tensors: {
      stored: checkpoint.tensors.size,
      expected: parameters.length,
      dtypes,
      ...fitOf(parameters, checkpoint, model.weightSpellings),
    },
    parameters: { total, parts },
    memory: { stored, ...memoryOf(graph) },
  }
}

/**
 * Bytes of all weights by precision. Tables whose rows are only looked up stay as they are stored;
 * all else is unpacked when a session opens.
 */
function memoryOf({ nodes }: Graph): Record<Precision, number> {
  const cast = new Set(
    nodes.flatMap((node) => (isNode(node, 'Gather') ? [] : node.inputs.map(({ id }) => id))),
  )
  const memory = { f32: 0, f16: 0, int8: 0 }
  for (const precision of PRECISIONS) {
    const plan = planPrecision(nodes, precision, false)
    for (const node of nodes) {
      if (!isNode(node, 'Parameter')) continue
      const { id, dtype } = node.output
      const dims = node.output.dims.map(Number)
      const form = plan.get(id)?.form
      memory[precision] +=
        form === undefined
          ? sizeOf(dims) * BYTES_PER_ELEMENT[cast.has(id) ? 'f32' : dtype]
          : formBytes(form, dims)
    }
  }
  return memory
}

/** Tower, projector and decoder by the names that the families give them. */
function partOf(name: string): string {
  if (/vision|image_tokenizer|image_newline/.test(name))
    return name.includes('newline') ? 'projector' : 'vision'
  if (/projector|projection/.test(name)) return 'projector'
  return /text_model/.test(name) ? 'text' : 'decoder'
}
