/** @file Hands weights to the engine without rewriting them: small files are read, large ones are mapped where they lie. */

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { CompiledGraph, WeightPlacement, WeightSlot } from '../graph/compiled.ts'
import type { EnginePlan } from './engine.ts'
import { stageFolder } from './staging.ts'
import type { WeightLocation } from './weights.ts'

/** `fast` unpacks bf16 and f16 weights to f32 when the session opens; `low` keeps them as stored and unpacks at each run (about 15 % slower). */
export type MemoryMode = 'fast' | 'low'

/**
 * Files of fewer bytes than this in all are read: nothing is written for them. Reading costs 5 ms and two copies in memory for each MB
 * (640 MB of f32: open in 3.1 s, mapped in 0.5 s), mapping about 10 ms whatever the size.
 */
const READ_LIMIT = 64 * 2 ** 20

/** The model file's name beside the files that it maps. */
const MODEL = 'model.onnx'

export interface PlacementOptions {
  memory: MemoryMode
  /** Total file size in bytes from which files are mapped instead of read. */
  readLimit?: number
  /** Told when a file had to be copied to be mapped. */
  warn?: (message: string) => void
}

export interface PlacedModel extends Pick<EnginePlan, 'model' | 'buffers'> {
  /** Removes what was staged for the opening; the mapped pages stay valid. */
  settle(): Promise<void>
}

/**
 * Encodes the graph with every weight as ONNX external data. Arrays in memory become buffers. Files become buffers too, or, when they are
 * large, links beside a model file: the engine maps only files in the model's own directory (ONNX Runtime 1.30:
 * `..`, absolute paths and symbolic links that leave it are refused).
 */
export async function placeWeights(
  graph: CompiledGraph,
  weights: ReadonlyMap<string, WeightLocation>,
  options: PlacementOptions,
): Promise<PlacedModel> {
  const files = new Map<string, string>()
  const buffers: { location: string; source: Uint8Array }[] = []
  const placements = new Map<string, WeightPlacement>()
  for (const slot of graph.weights) {
    const location = weights.get(slot.name)!
    const stored = location.kind === 'file' ? location.dtype : location.tensor.dtype
    const alsoInput = options.memory === 'low' && (stored === 'bf16' || stored === 'f16')
    if (location.kind === 'file') {
      const name = files.get(location.file) ?? `file-${files.size}.safetensors`
      files.set(location.file, name)
      placements.set(slot.name, {
        kind: 'external',
        location: name,
        offset: location.offset,
        length: location.byteLength,
        dtype: stored,
        alsoInput,
      })
    } else {
      const { data } = location.tensor
      const name = `array-${buffers.length}`
      buffers.push({ location: name, source: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) })
      placements.set(slot.name, { kind: 'external', location: name, offset: 0, length: data.byteLength, dtype: stored, alsoInput })
    }
  }
  const model = graph.encode((slot: WeightSlot) => placements.get(slot.name)!)
  if ((await totalSize(files.keys())) < (options.readLimit ?? READ_LIMIT)) {
    const read = [...files].map(([file, location]) => ({ location, source: file }))
    return { model, buffers: [...read, ...buffers], settle: async () => {} }
  }
  // The engine takes external data either all from buffers or all from files.
  const staged = await stageFolder(
    { files, contents: new Map([...buffers.map(({ location, source }) => [location, source] as const), [MODEL, model]]) },
    options.warn,
  )
  return { model: join(staged.folder, MODEL), buffers: [], settle: staged.remove }
}

async function totalSize(files: Iterable<string>): Promise<number> {
  const sizes = await Promise.all([...files].map(async (file) => (await stat(file)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}
