/**
 * @file Gives weights to the engine without rewriting them: small files are read, large ones are
 * mapped where they lie.
 */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DType } from '../../foundation/numeric/tensor.ts'
import type { CompiledGraph, WeightPlacement, WeightSlot } from '../graph/compiled.ts'
import type { EnginePlan } from './engine.ts'
import { type StagedBytes, stageFolder } from './staging.ts'
import { formBytes, isRewritten, scalesOffset, weightInForm } from './weight-form.ts'
import type { WeightLocation } from './weights.ts'

/**
 * `fast` unpacks bf16 and f16 weights to f32 when the session opens; `low` keeps them as stored and
 * unpacks at each run (about 15 % slower). On webgpu f16 is unpacked when the session opens in
 * either mode.
 */
export type MemoryMode = 'fast' | 'low'

/**
 * Files with fewer bytes than this in all are read, for which nothing is written. Reading takes 5
 * ms and two copies in memory for each MB (640 MB of f32 open in 3.1 s, mapped in 0.5 s). Mapping
 * takes about 10 ms for any size.
 */
const READ_LIMIT = 64 * 2 ** 20

/** The model file's name beside the files that it maps. */
const MODEL = 'model.onnx'

export interface PlacementOptions {
  memory: MemoryMode
  /** See `EncodeOptions`; default true. */
  halves?: boolean
  /** See `EncodeOptions`; default true. */
  signedWeights?: boolean
  /** See `EncodeOptions`; default false. */
  fused?: boolean
  /** Total file size in bytes from which files are mapped instead of read. */
  readLimit?: number
  /** Called when a file had to be copied to be mapped. */
  warn?: (message: string) => void
}

export interface PlacedModel extends Pick<EnginePlan, 'model' | 'buffers'> {
  /** Removes the files that were staged for the opening; the mapped pages stay valid. */
  settle(): Promise<void>
}

/**
 * Encodes the graph with every weight as ONNX external data. Arrays in memory become buffers. Files
 * become buffers too, or, when they are large, links beside a model file: the engine maps only
 * files in the model's own directory (ONNX Runtime 1.30: `..`, absolute paths and symbolic links
 * that leave it are refused).
 */
export async function placeWeights(
  graph: CompiledGraph,
  weights: ReadonlyMap<string, WeightLocation>,
  options: PlacementOptions,
): Promise<PlacedModel> {
  const files = new Map<string, string>()
  const arrays = new Map<string, PlacedArray>()
  const places = {
    file(path: string) {
      const name = files.get(path) ?? `file-${files.size}.safetensors`
      files.set(path, name)
      return name
    },
    array(array: PlacedArray) {
      const name = `array-${arrays.size}`
      arrays.set(name, array)
      return name
    },
  }
  const { memory, halves = true, signedWeights = true, fused } = options
  // Weights that the engine unpacks at each run are unpacked on the device.
  const keeps = (dtype: DType) => memory === 'low' && (dtype === 'bf16' || (dtype === 'f16' && halves))
  const placements = new Map(
    graph.weights.map((slot) => [
      slot.name,
      placeWeight(slot, weights.get(slot.name)!, { keeps, signedWeights }, places),
    ]),
  )
  const model = graph.encode(({ name }: WeightSlot) => placements.get(name)!, {
    halves,
    signedWeights,
    fused,
  })
  const rewritten = [...arrays.values()].reduce((sum, array) => sum + array.rewritten, 0)
  if ((await totalSize(files.keys())) + rewritten < (options.readLimit ?? READ_LIMIT)) {
    const read = [...files].map(([file, location]) => ({ location, source: file }))
    const made = await Promise.all(
      [...arrays].map(async ([location, { bytes }]) => ({ location, source: await bytes() })),
    )
    return { model, buffers: [...read, ...made], settle: async () => {} }
  }
  // The engine takes external data either all from buffers or all from files.
  const contents = new Map<string, StagedBytes>([
    ...[...arrays].map(([name, { bytes }]) => [name, bytes] as const),
    [MODEL, model],
  ])
  const staged = await stageFolder({ files, contents }, options.warn)
  return { model: join(staged.folder, MODEL), buffers: [], settle: staged.remove }
}

interface PlacedArray {
  bytes(): Promise<Uint8Array>
  /** Bytes of an array that is made from a stored weight; 0 for one that is in memory anyway. */
  rewritten: number
}

/** Gives files and arrays the names that the model file uses. */
interface Places {
  file(path: string): string
  array(array: PlacedArray): string
}

/** @param keeps whether weights of a dtype stay as they are stored while the session is open */
function placeWeight(
  { form, dims }: WeightSlot,
  at: WeightLocation,
  { keeps, signedWeights }: { keeps(dtype: DType): boolean; signedWeights: boolean },
  places: Places,
): WeightPlacement {
  const { dtype } = at.kind === 'file' ? at : at.tensor
  if (form !== undefined && isRewritten(form, dtype)) {
    const length = formBytes(form, dims)
    const location = places.array({ bytes: () => weightInForm(form, at, signedWeights), rewritten: length })
    return form === 'int8'
      ? { kind: 'int8', location, values: 0, scales: scalesOffset(dims), dtype: signedWeights ? 'i8' : 'u8' }
      : { kind: 'external', location, offset: 0, length, dtype: 'f16', alsoInput: form === 'half' }
  }
  const alsoInput = form === 'half' || keeps(dtype)
  if (at.kind === 'file') {
    return {
      kind: 'external',
      location: places.file(at.file),
      offset: at.offset,
      length: at.byteLength,
      dtype,
      alsoInput,
    }
  }
  const { data } = at.tensor
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const location = places.array({ bytes: async () => bytes, rewritten: 0 })
  return { kind: 'external', location, offset: 0, length: bytes.byteLength, dtype, alsoInput }
}

async function totalSize(files: Iterable<string>): Promise<number> {
  const sizes = await Promise.all([...files].map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
