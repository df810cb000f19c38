/** @file A dual encoder as an embedding model: each tower by itself, the sum where an item has both picture and words. */

import { hashCheckpoint, openCheckpoint } from '../checkpoint/folder.ts'
import type { EmbeddingItem } from '../embedder/item.ts'
import type { DualEncoderModel } from '../families/model.ts'
import { checkpointWeights } from '../families/weights.ts'
import { compile, Graph } from '../graph/index.ts'
import { rootScope } from '../nn/index.ts'
import { l2NormaliseRows } from '../numeric/linear.ts'
import { f32, i64, type Tensor, zeros } from '../numeric/tensor.ts'
import { openSession, type Session } from '../runtime/session.ts'
import type { EmbeddingModel } from './model.ts'

export interface DualEncoderOptions {
  id: string
  dir: string
  model: DualEncoderModel
  /** Default 1. */
  threads?: number
}

/** Items a run. */
const BATCH = 64

/**
 * What a text tower trained on captions is given: the text, or what an instruction says after its colon ("Find me an image that matches the
 * given caption: …"). An instruction without a colon says what to do, not what is seen: it counts only where there is nothing else.
 */
export function captionOf({ instruction, text, picture }: Pick<EmbeddingItem, 'instruction' | 'text' | 'picture'>): string | undefined {
  if (text !== undefined) return text
  if (instruction === undefined) return undefined
  const colon = instruction.indexOf(': ')
  if (colon >= 0) return instruction.slice(colon + 2)
  return picture === undefined ? instruction : undefined
}

/**
 * Opens the model of a folder. Close it when done.
 * @throws FamilyError, CheckpointError, RuntimeError for what the folder holds
 */
export async function dualEncoder({
  id,
  dir,
  model,
  threads = 1,
}: DualEncoderOptions): Promise<EmbeddingModel & { close(): Promise<void> }> {
  const checkpoint = await openCheckpoint(dir)
  const weights = checkpointWeights(checkpoint, model.weightSpellings)
  const processor = await model.processor(dir)
  const open = async (name: string, build: (graph: Graph) => void): Promise<Session> => {
    const graph = new Graph()
    build(graph)
    return await openSession(compile(graph), { weights, threads, name: `${id} ${name}` })
  }
  const scopeOf = (graph: Graph) => rootScope(graph, { storedDtype: weights.storedDtype })
  const images = await open('image tower', (graph) => {
    const pixelValues = graph.input('pixels', 'f32', ['batch', ...model.shape.view])
    graph.output('vectors', model.buildImage(scopeOf(graph), pixelValues).imageEmbeds)
  })
  const texts = await open('text tower', (graph) => {
    const ids = graph.input('ids', 'i64', ['batch', model.shape.textLength])
    graph.output('vectors', model.buildText(scopeOf(graph), ids).textEmbeds)
  })
  const { dims, view } = model.shape
  return {
    id,
    hash: await hashCheckpoint(checkpoint),
    readouts: ['vector'],
    async embed(items, { signal }) {
      const sum = zeros([items.length, dims])
      const pictured = items.flatMap(({ picture }, row) => (picture === undefined ? [] : [{ row, picture }]))
      await inBatches(pictured, async (batch) => {
        const tensors = batch.map(({ picture }) => processor.pixels(picture.read()))
        const { vectors } = await images.run({ pixels: stack(tensors, view) }, { signal })
        addRows(sum, batch, vectors)
      })
      const worded = items.flatMap((item, row) => {
        const words = captionOf(item)
        return words === undefined ? [] : [{ row, words }]
      })
      await inBatches(worded, async (batch) => {
        const ids = batch.flatMap(({ words }) => processor.ids(words))
        const { vectors } = await texts.run({ ids: i64([batch.length, model.shape.textLength], ids) }, { signal })
        addRows(sum, batch, vectors)
      })
      return { vector: l2NormaliseRows(sum) }
    },
    async close() {
      await images.close()
      await texts.close()
    },
  }
}

async function inBatches<T>(rows: readonly T[], run: (batch: readonly T[]) => Promise<void>): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) await run(rows.slice(start, start + BATCH))
}

function stack(tensors: readonly Tensor<'f32'>[], view: readonly number[]): Tensor<'f32'> {
  const out = zeros([tensors.length, ...view])
  for (const [i, { data }] of tensors.entries()) out.data.set(data, i * data.length)
  return f32(out.dims, out.data)
}

function addRows(sum: Tensor<'f32'>, batch: readonly { row: number }[], vectors: Tensor | undefined): void {
  if (!(vectors?.data instanceof Float32Array)) return
  const dim = sum.dims[1]!
  for (const [i, { row }] of batch.entries()) for (let d = 0; d < dim; d++) sum.data[row * dim + d]! += vectors.data[i * dim + d]!
}
