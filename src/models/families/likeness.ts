/**
 * @file How far the weights of two checkpoints are the same, whatever their files call them. Two
 * models of one base have tensors of the same shapes, many of them equal or near.
 */

import { InterruptedError } from '../../foundation/numeric/errors.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { BYTES_PER_ELEMENT, sizeOf } from '../../foundation/numeric/tensor.ts'
import type { Checkpoint } from '../checkpoint/folder.ts'
import type { TensorLocation } from '../checkpoint/header.ts'
import { readTensor } from '../checkpoint/safetensors.ts'
import type { VisionLanguageModel } from './model.ts'
import { decoderParameters, modelParameters } from './parameters.ts'
import { checkpointWeights } from './weights.ts'

/** A model and the files that hold its weights. */
export interface Stored {
  readonly model: VisionLanguageModel
  readonly checkpoint: Checkpoint
}

/** How far one part of a second model is the same as the first model's. */
export interface PartLikeness {
  /** Tensors of the first model. */
  readonly tensors: number
  /** Those of them that have a counterpart: a tensor of the same shape and of a like name. */
  readonly matched: number
  /** Those of them whose counterpart holds the same numbers. */
  readonly identical: number
  /**
   * ‖second − first‖ / ‖first‖ over all matrices that match, as one vector: 0 for equal weights,
   * about √2 for unrelated ones of equal size. Gains of norms do not count: they are near 1 in any
   * model. Undefined where no matrix matches.
   */
  readonly distance: number | undefined
}

/** The decoder without its head; tower and projector. */
export interface Likeness {
  readonly decoder: PartLikeness
  readonly vision: PartLikeness
}

/** Elements that are compared at a time: an embedding table is larger than memory should hold. */
const PIECE = 2 ** 22

/**
 * Reads the weights of both models, and compares those that match.
 * @throws FileError, CheckpointError for the files; InterruptedError
 */
export async function likenessOf(first: Stored, second: Stored, signal?: AbortSignal): Promise<Likeness> {
  const names = new Set(decoderParameters(first.model).map(({ name }) => name))
  const [own, other] = [slotsOf(first), slotsOf(second)]
  const counterparts = counterpartsOf(own, other)
  const part = async (inDecoder: boolean): Promise<PartLikeness> => {
    const slots = own.filter(({ name }) => names.has(name) === inDecoder)
    let [matched, identical, apart, norm] = [0, 0, 0, 0]
    for (const slot of slots) {
      const counterpart = counterparts.get(slot.name)
      if (counterpart === undefined) continue
      const sums = await squaresOf(slot.at, counterpart.at, signal)
      matched += 1
      if (sums.apart === 0) identical += 1
      if (slot.at.dims.length < 2) continue
      apart += sums.apart
      norm += sums.norm
    }
    const distance = norm === 0 ? undefined : Math.sqrt(apart / norm)
    return { tensors: slots.length, matched, identical, distance }
  }
  return { decoder: await part(true), vision: await part(false) }
}

/** A parameter and where its numbers lie. */
interface Slot {
  readonly name: string
  readonly at: TensorLocation
}

function slotsOf({ model, checkpoint }: Stored): Slot[] {
  const weights = checkpointWeights(checkpoint, model.weightSpellings)
  return modelParameters(model, { head: false }).flatMap(({ name }) => {
    const found = weights.find(name)
    return found === undefined ? [] : [{ name, at: found }]
  })
}

/**
 * The tensor of `other` for each of `own`: that of the same name, else the one of the same shape
 * whose name has most parts in common, counted from the end (`visual.blocks.0.norm1.weight` and
 * `model.vision_tower.blocks.0.norm1.weight`). Names that fit several tensors equally have none.
 */
export function counterpartsOf<T extends { name: string; at: Pick<TensorLocation, 'dims'> }>(
  own: readonly T[],
  other: readonly T[],
): Map<string, T> {
  const byName = new Map(other.map((slot) => [slot.name, slot]))
  const found = new Map<string, T>()
  for (const slot of own) {
    const same = byName.get(slot.name)
    if (same === undefined || !sameShape(slot, same)) continue
    found.set(slot.name, same)
    byName.delete(slot.name)
  }
  const left = [...byName.values()]
  for (const slot of own) {
    if (found.has(slot.name)) continue
    const best = bestOf(slot, left)
    if (best !== undefined && bestOf(best, own)?.name === slot.name) found.set(slot.name, best)
  }
  return found
}

/** A name must agree in a layer's number, or in a module, beside the last part. */
const LEAST = 2

function bestOf<T extends { name: string; at: Pick<TensorLocation, 'dims'> }>(
  slot: T,
  among: readonly T[],
): T | undefined {
  let best: T | undefined
  let most = LEAST - 1
  for (const candidate of among) {
    if (!sameShape(slot, candidate)) continue
    const shared = sharedEnd(slot.name, candidate.name)
    if (shared > most) [best, most] = [candidate, shared]
    else if (shared === most) best = undefined
  }
  return best
}

function sameShape(a: { at: Pick<TensorLocation, 'dims'> }, b: typeof a): boolean {
  return a.at.dims.join() === b.at.dims.join()
}

function sharedEnd(a: string, b: string): number {
  const [first, second] = [a.split('.').reverse(), b.split('.').reverse()]
  const differs = first.findIndex((part, i) => part !== second[i])
  return differs < 0 ? first.length : differs
}

/** Sums of squares of `b` − `a`, and of `a`. */
async function squaresOf(
  a: TensorLocation,
  b: TensorLocation,
  signal: AbortSignal | undefined,
): Promise<{ apart: number; norm: number }> {
  let [apart, norm] = [0, 0]
  for (let start = 0; start < sizeOf(a.dims); start += PIECE) {
    if (signal?.aborted) throw new InterruptedError('the comparison of weights', signal)
    const [first, second] = [await pieceOf(a, start), await pieceOf(b, start)]
    for (let i = 0; i < first.length; i++) {
      const value = first[i]!
      apart += (second[i]! - value) ** 2
      norm += value ** 2
    }
  }
  return { apart, norm }
}

async function pieceOf(at: TensorLocation, start: number): Promise<Float32Array> {
  const size = Math.min(PIECE, sizeOf(at.dims) - start)
  const bytes = BYTES_PER_ELEMENT[at.dtype]
  const piece = { ...at, dims: [size], offset: at.offset + start * bytes, byteLength: size * bytes }
  return toF32(await readTensor(piece)).data
}
