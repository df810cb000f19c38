/** @file Parameters of a graph found in a checkpoint, whatever spelling it uses. */

import { type Graph, isNode } from '../../engine/graph/graph.ts'
import type { WeightSource } from '../../engine/runtime/weights.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import type { TensorLocation } from '../checkpoint/header.ts'
import { FamilyError } from './errors.ts'

/** Weights of a checkpoint by canonical name. */
export interface CheckpointWeights extends WeightSource {
  /** For `ScopeOptions`: the dtype in the file. */
  storedDtype(name: string): 'f32' | 'f16' | 'bf16'
  /** Where a parameter lies; undefined when the file has it under none of its spellings. */
  find(name: string): TensorLocation | undefined
}

/** @param spellings of the checkpoint's model */
export function checkpointWeights(
  checkpoint: Checkpoint,
  spellings: (name: string) => string[],
): CheckpointWeights {
  const find = (name: string) => {
    const spelling = spellings(name).find((candidate) => checkpoint.tensors.has(candidate))
    return spelling === undefined ? undefined : checkpoint.tensors.get(spelling)
  }
  return {
    find,
    storedDtype(name) {
      const dtype = find(name)?.dtype
      return dtype === 'f16' || dtype === 'bf16' ? dtype : 'f32'
    },
    locate(name) {
      const found = find(name)
      return (
        found && {
          kind: 'file',
          file: found.file,
          offset: found.offset,
          byteLength: found.byteLength,
          dtype: found.dtype,
          dims: found.dims,
        }
      )
    },
  }
}

/** A parameter that a graph asks for: its canonical name and shape. */
export interface ParameterSlot {
  name: string
  dims: readonly number[]
}

/**
 * Every parameter of a graph, in the order of building; those of low-rank updates are left out: no
 * base checkpoint has them.
 */
export function parametersOf(graph: Graph): ParameterSlot[] {
  return graph.nodes.flatMap((node) => {
    if (!isNode(node, 'Parameter') || /\.lora_([AB]|magnitude_vector)\.weight$/.test(node.attributes.name))
      return []
    return [{ name: node.attributes.name, dims: node.output.dims.map(Number) }]
  })
}

/** How many names an error lists before it only counts. */
const LISTED = 20

/** How the tensors of a checkpoint fit the parameters of a model. */
export interface WeightFit {
  /** Missing parameters, under the names that files usually give them. */
  missing: string[]
  /** Of another shape, or no floats, in words. */
  unfit: string[]
  /**
   * Tensors in the files that no parameter uses: unused layers, buffers, or misspelt
   * parameters.
   */
  unused: string[]
}

/** Looks each parameter up; nothing is read but headers. */
export function fitOf(
  parameters: readonly ParameterSlot[],
  checkpoint: Checkpoint,
  spellings: (name: string) => string[],
): WeightFit {
  const weights = checkpointWeights(checkpoint, spellings)
  const used = new Set<string>()
  const missing: string[] = []
  const unfit: string[] = []
  for (const { name, dims } of parameters) {
    const found = weights.find(name)
    if (found === undefined) {
      missing.push(spellings(name)[0] ?? name)
      continue
    }
    used.add(found.name)
    if (found.dims.join() !== dims.join())
      unfit.push(
        `${found.name} has shape [${found.dims.join(', ')}], the config asks for [${dims.join(', ')}]`,
      )
    else if (found.dtype !== 'f32' && found.dtype !== 'f16' && found.dtype !== 'bf16')
      unfit.push(`${found.name} is ${found.dtype}, not a float`)
  }
  return { missing, unfit, unused: [...checkpoint.tensors.keys()].filter((name) => !used.has(name)) }
}

/**
 * Checks that a checkpoint has every parameter, of the right shape and a floating type.
 * @returns names of tensors in the files that no parameter uses (unused layers, buffers)
 * @throws FamilyError `family/weights` listing the missing and mis-shaped parameters, and unused
 *   tensors, which may be misspelt parameters
 */
export function checkWeights(
  parameters: readonly ParameterSlot[],
  checkpoint: Checkpoint,
  spellings: (name: string) => string[],
): string[] {
  const { missing, unfit, unused: extra } = fitOf(parameters, checkpoint, spellings)
  const problems = [...unfit, ...missing.map((name) => `${name} is missing`)]
  if (problems.length === 0) return extra
  const listed = (names: readonly string[]) =>
    names.slice(0, LISTED).join('; ') + (names.length > LISTED ? `; and ${names.length - LISTED} more` : '')
  throw new FamilyError('weights', {
    message:
      `${checkpoint.weights}: ${problems.length} of ${parameters.length} weights do not fit: ` +
      `${listed(problems)}${extra.length > 0 ? `. Unused tensors: ${listed(extra)}` : ''}`,
    hint: 'Are config.json and the weights from the same repository and revision?',
  })
}

/** Towers are left out: several families run fewer layers of them than their files hold. */
const DECODER_LAYER = /^(?!.*(?:vision|visual|image_tokenizer|audio)).*\.(?:layers|blocks)\.(\d+)\./

/**
 * Warns of a decoder with more layers in the files than its config has: what runs is a part of it.
 */
export function warnOfSpareLayers(
  dir: string,
  tensors: Iterable<string>,
  layers: number,
  warn?: (message: string) => void,
): void {
  let stored = 0
  for (const name of tensors) stored = Math.max(stored, Number(DECODER_LAYER.exec(name)?.[1] ?? -1) + 1)
  if (stored > layers) {
    warn?.(
      `${dir}: the weights hold ${stored} layers of the decoder, config.json asks for ${layers}: the ones behind them are left out`,
    )
  }
}
