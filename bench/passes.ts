/**
 * @file Forward passes of the mid-size LLaVA: what both sides are given, and ours at a precision.
 */

import { join } from 'node:path'
import { compile } from '../src/engine/graph/compile.ts'
import type { Precision } from '../src/engine/graph/compiled.ts'
import { Graph } from '../src/engine/graph/graph.ts'
import { rootScope } from '../src/engine/nn/scope.ts'
import { openSession } from '../src/engine/runtime/session.ts'
import { memoryWeights } from '../src/engine/runtime/weights.ts'
import { f32, i64, type Tensor } from '../src/foundation/numeric/tensor.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'
import { type MidSizeModel, PICTURE_TOKENS, randomPixels, randomSequences } from './model.ts'

export interface PassSizes {
  /** Sequences. */
  batch: number
  positions: number
  threads: number
  /** Sequences a run. */
  split: number
}

export interface Passes {
  /** Hidden states after the norm `[batch · positions · hidden]`. */
  run(): Promise<Tensor<'f32'>>
  close(): Promise<void>
}

/** Writes what the peer reads, and opens our side on the same. */
export async function openPasses(
  dir: string,
  { model, weights }: MidSizeModel,
  { batch, positions, threads, split }: PassSizes,
  precision: Precision = 'f32',
): Promise<Passes> {
  const graph = new Graph()
  const scope = rootScope(graph)
  const { rows } = model.buildVision(
    scope,
    graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
  )
  const integers = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
  const inputs = {
    inputIds: integers('input_ids'),
    attentionMask: integers('attention_mask'),
    imageIndex: integers('image_index'),
  }
  graph.output('states', model.buildDecoder(scope, { ...inputs, imageRows: rows }).norm)
  const session = await openSession(compile(graph, { precision }), {
    weights: memoryWeights(weights),
    threads,
    name: precision,
  })

  const { ids, imageIndex } = randomSequences(batch, positions, { pictures: true, key: 'forward' })
  const shared = {
    pixel_values: randomPixels(batch),
    input_ids: i64([batch, positions], ids),
    attention_mask: i64(
      [batch, positions],
      ids.map(() => 1),
    ),
  }
  await writeSafetensors(join(dir, 'peer-inputs.safetensors'), shared)
  // Image rows are numbered within a run.
  const index = imageIndex.map((row, at) =>
    row < 0 ? row : row - Math.floor(at / positions / split) * split * PICTURE_TOKENS,
  )
  const feeds: Record<string, Tensor> = { ...shared, image_index: i64([batch, positions], index) }
  const runs = Array.from({ length: Math.ceil(batch / split) }, (_, i) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, value]) => [name, rowsOf(value, i * split, (i + 1) * split)]),
    ),
  )
  return {
    async run() {
      const parts: Float32Array[] = []
      for (const part of runs) {
        const { states } = await session.run(part)
        if (states?.data instanceof Float32Array) parts.push(states.data)
      }
      return joined(parts)
    },
    close: () => session.close(),
  }
}

/** Rows `start … end − 1` of the first axis. */
function rowsOf({ dtype, dims, data }: Tensor, start: number, end: number): Tensor {
  const width = data.length / dims[0]!
  const part = data.slice(start * width, end * width)
  return { dtype, dims: [part.length / width, ...dims.slice(1)], data: part }
}

function joined(parts: readonly Float32Array[]): Tensor<'f32'> {
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  const all = new Float32Array(size)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return f32([size], all)
}
