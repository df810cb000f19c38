/**
 * @file The description of a layout: its files, its tensors, the numbers planted in them, and the
 * result by hand.
 */

import { BifocalError } from '../../src/foundation/numeric/errors.ts'
import type { PreparedItem } from '../../src/models/families/family.ts'
import type { VisionLanguageModel } from '../../src/models/families/model.ts'
import { modelParameters } from '../../src/models/families/parameters.ts'
import { modelOf } from '../../src/models/families/registry.ts'
import type { PlantedDecoder } from './decoder.ts'
import type { Plants, Strength } from './plants.ts'
import type { SparseTensor } from './sparse.ts'

/** How much of the true size is made. */
export interface Size {
  /** Layers of the decoder and of the tower, at most; default all. */
  readonly layers?: number
  /** Widths are divided by it: 1 is the true size. Tables keep their rows. */
  readonly scale: number
}

/** Weights of one folder. */
export interface PlantedWeights {
  /** In the order of the modules. */
  readonly tensors: readonly SparseTensor[]
  /** Without the embedding table, whose rows depend on the prompt. */
  readonly plants: Plants
}

export interface Layout extends PlantedWeights {
  readonly name: string
  /** config.json, and what a second checkpoint adds to it. */
  readonly config: Readonly<Record<string, unknown>>
  readonly model: VisionLanguageModel
  /** Small files by name, JSON. */
  readonly files: Readonly<Record<string, object>>
  /** Bytes of tensors in a file, at most. */
  readonly shardBytes: number
  /** The second checkpoint, a folder within the first. */
  readonly companion?: PlantedWeights & {
    readonly folder: string
    readonly file: string
    readonly config: object
  }
  readonly decoder: PlantedDecoder
  /** Rows of the embedding table that the item reads, pictures given by codes included. */
  rows(item: PreparedItem): number[]
  /** Channel 0 of each position's embedding. */
  carriers(item: PreparedItem, strength: Strength): number[]
  /** Floating-point operations of the item. */
  operations(item: PreparedItem): number
}

/** Channel 0 of a token's embedding: neighbours in the table differ. */
export function carrierOf(id: number): number {
  return 1 + (id % 64) / 64
}

/** @throws BifocalError when the config is of another kind */
export function visionLanguage(config: Readonly<Record<string, unknown>>): VisionLanguageModel {
  const model = modelOf(config)
  if (model.kind === 'vision-language') return model
  throw new BifocalError('full-size/model', {
    message: 'the layout is no vision-language model',
    hint: 'Mend its config.',
  })
}

/**
 * The tensors of a model's files: those that its graph asks for, head included, as published files
 * spell them.
 * @param modules beginnings of names, in the order of the modules; a tensor that fits none comes
 *   last
 */
export function tensorsOf(model: VisionLanguageModel, modules: readonly string[]): SparseTensor[] {
  const tensors = modelParameters(model).map(({ name, dims }) => ({
    name: model.weightSpellings(name)[0]!,
    dtype: 'bf16' as const,
    dims,
  }))
  const rank = (name: string) => {
    const found = modules.findIndex((module) => name.startsWith(module))
    return found < 0 ? modules.length : found
  }
  return tensors.sort((a, b) => rank(a.name) - rank(b.name))
}

/** `layers`, or fewer. */
export function fewer(layers: number, { layers: most = layers }: Size): number {
  return Math.min(layers, most)
}

/** A number of heads, divided. */
export function divided(count: number, { scale }: Size): number {
  return Math.max(1, Math.floor(count / scale))
}
