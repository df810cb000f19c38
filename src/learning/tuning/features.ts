/**
 * @file Image rows of a frozen tower and projector: computed once for each distinct picture, laid
 * out as the table of a batch.
 */

import { compile } from '../../engine/graph/compile.ts'
import { evaluateDim } from '../../engine/graph/dims.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { f32, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { rowWidth } from '../../models/families/decoder-inputs.ts'
import type { PreparedItem } from '../../models/families/family.ts'
import type { Subject } from './subject.ts'

/**
 * The table of a batch: image rows of its pictures, then what the family adds (a newline); at least
 * one row.
 */
export interface ImageTable {
  /** `[rows, hidden]`, or `rowWidth` where the family has one. */
  rows: Tensor<'f32'>
  /** Row of the batch's table for a row of an item's own table. */
  rowOf(pictureKey: string, own: number): number
}

/** A picture as the processor gives it to the tower. */
export interface TowerPicture extends Pick<PreparedItem, 'visionFeeds'> {
  key: string
  /** `[3, height, width]` each. */
  views: readonly Tensor<'f32'>[]
}

export interface PictureFeatures {
  /** Whether the rows of a picture are known. */
  has(key: string): boolean
  /** Computes the rows of new pictures. */
  add(pictures: readonly TowerPicture[], signal?: AbortSignal): Promise<void>
  table(keys: Iterable<string>): ImageTable
  close(): Promise<void>
}

/** Views a run: larger ones are no faster on one core. */
const BATCH = 32

/** Opens the tower and projector of a model. */
export async function pictureFeatures(
  { id, model, weights, storedDtype }: Subject,
  threads: number,
): Promise<PictureFeatures> {
  const { view } = model.shape
  const width = rowWidth(model.shape)
  const graph = new Graph()
  const { rows } = model.buildVision(
    rootScope(graph, { storedDtype }),
    graph.input('pixel_values', 'f32', ['views', ...view]),
  )
  graph.output('rows', rows)
  const count = (views: number) => evaluateDim(rows.dims[0]!, new Map([['views', views]])) ?? 0
  const tokens = count(2) - count(1)
  const extra = count(1) - tokens
  const session = await openSession(compile(graph), { weights, threads, name: `${id} vision` })
  const known = new Map<string, Float32Array>()
  let added = new Float32Array(extra * width)

  async function run(
    views: readonly Tensor<'f32'>[],
    feeds: TowerPicture['visionFeeds'],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const pixels = new Float32Array(views.length * sizeOf(view))
    for (const [i, { data }] of views.entries()) pixels.set(data, i * data.length)
    const results = await session.run(
      { pixel_values: f32([views.length, ...view], pixels), ...feeds },
      { signal },
    )
    return f32Of(results, 'rows').data
  }

  return {
    has: (key) => known.has(key),
    async add(pictures, signal) {
      const unknown = [
        ...new Map(
          pictures.filter(({ key }) => !known.has(key)).map((picture) => [picture.key, picture]),
        ).values(),
      ]
      for (const { key, views, visionFeeds } of unknown)
        if (visionFeeds !== undefined) known.set(key, await run(views, visionFeeds, signal))
      const missing = unknown.filter(({ visionFeeds }) => visionFeeds === undefined)
      for (let start = 0; start < missing.length; ) {
        const batch: typeof missing = []
        let views = 0
        while (
          start < missing.length &&
          (batch.length === 0 || views + missing[start]!.views.length <= BATCH)
        ) {
          views += missing[start]!.views.length
          batch.push(missing[start++]!)
        }
        const made = await run(
          batch.flatMap((picture) => picture.views),
          undefined,
          signal,
        )
        let at = 0
        for (const { key, views: own } of batch) {
          known.set(key, made.slice(at, at + own.length * tokens * width))
          at += own.length * tokens * width
        }
        added = made.slice(at)
      }
    },
    table(keys) {
      const offsets = new Map<string, { start: number; length: number }>()
      let total = 0
      for (const key of keys) {
        if (offsets.has(key)) continue
        const length = known.get(key)!.length / width
        offsets.set(key, { start: total, length })
        total += length
      }
      const data = new Float32Array(Math.max(1, total + extra) * width)
      for (const [key, { start }] of offsets) data.set(known.get(key)!, start * width)
      data.set(added, total * width)
      return {
        rows: f32([data.length / width, width], data),
        rowOf(pictureKey, own) {
          const { start, length } = offsets.get(pictureKey)!
          return own < length ? start + own : total + own - length
        },
      }
    },
    close: () => session.close(),
  }
}
