/**
 * @file Batches of reference fixtures. Items are padded as the reference padded them; one graph
 * goes from pictures and ids to unit vectors.
 */

import { join } from 'node:path'
import { z } from 'zod'
import type { Value } from '../../engine/graph/graph.ts'
import type { Scope } from '../../engine/nn/scope.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { decodeImage } from '../../inputs/media/decode.ts'
import type { VerifyRecorder } from '../../models/embedder/golden/report.ts'
import { pool, pools, poolWeights, poolWeightsFeed, weightsOf } from '../../models/embedder/readout.ts'
import { positionFeeds } from '../../models/families/decoder-inputs.ts'
import type { PreparedItem, Processor } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'

const ids = z.array(z.array(z.int()))

/** Settings that hold for all batches of a fixture. */
export const batchSettings = z.object({ pooling: z.enum(pools), padding_side: z.enum(['left', 'right']) })
export type BatchSettings = z.infer<typeof batchSettings>

/** Ids and masks as the reference padded them. */
export const paddedIds = z.object({ ids, mask: ids, grids: ids.optional() })

export interface FixturePrompt {
  prompt: string
  /** Names of files in `images/`. */
  images: readonly string[]
}

/** A padded batch. */
export interface FixtureBatch {
  items: readonly PreparedItem[]
  /** Positions of a row. */
  seq: number
  /**
   * Views and further inputs of the tower for all pictures together; `undefined` for text alone.
   */
  vision: Pick<PreparedItem, 'views' | 'visionFeeds'> | undefined
  /** For each item, its positions' rows in the image table of the batch, -1 = text. */
  imageIndex: readonly (readonly number[])[]
}

/**
 * Prepares the items of a batch.
 * @param seq positions of a row; default those of the longest item
 */
export async function fixtureBatch(
  dir: string,
  processor: Processor,
  prompts: readonly FixturePrompt[],
  seq?: number,
): Promise<FixtureBatch> {
  const pictures = await Promise.all(
    prompts.map(({ images }) => Promise.all(images.map((name) => decodeImage(join(dir, 'images', name))))),
  )
  const items = prompts.map(({ prompt }, i) => processor.prepare(prompt, pictures[i]!))
  const pictured = prompts.filter(({ images }) => images.length > 0)
  // All pictures are prepared as one item: they get one table, with rows in the order of the items.
  const together =
    pictured.length === 0
      ? undefined
      : processor.prepare(pictured.map(({ prompt }) => prompt).join(''), pictures.flat())
  const rows = together?.imageIndex.filter((row) => row >= 0) ?? []
  let at = 0
  return {
    items,
    seq: seq ?? Math.max(...items.map(({ inputIds }) => inputIds.length)),
    vision: together,
    imageIndex: items.map(({ imageIndex }) => imageIndex.map((row) => (row < 0 ? -1 : rows[at++]!))),
  }
}

/** Compares ids, masks and picture grids with the reference's. */
export function compareIds(
  recorder: VerifyRecorder,
  name: string,
  batch: FixtureBatch,
  settings: BatchSettings,
  expected: z.infer<typeof paddedIds>,
): void {
  const real = expected.ids.map((row, i) => row.filter((_, at) => expected.mask[i]?.[at] === 1))
  const found = batch.items.map(({ inputIds }) => inputIds)
  const places = found.map(({ length }, i) =>
    Array.from({ length: batch.seq }, (_, at) =>
      Number(at >= startOf(batch, i, settings) && at < startOf(batch, i, settings) + length),
    ),
  )
  const check = (stage: string, got: unknown, wanted: unknown) =>
    recorder.check(
      { case: name, stage },
      JSON.stringify(got) === JSON.stringify(wanted),
      `got ${JSON.stringify(got)}, expected ${JSON.stringify(wanted)}`,
    )
  check('input_ids', found, real)
  check('attention_mask', places, expected.mask)
  if (expected.grids !== undefined)
    check(
      'image_grid_thw',
      batch.items.flatMap(({ reported }) => reported?.image_grid_thw ?? []),
      expected.grids,
    )
}

/**
 * Declares the inputs of a batch (`<name>/input_ids` …) and builds the model over them. The tower's
 * inputs carry no name, so only one batch of a graph can have pictures.
 * @returns `[pairs, hidden]` unit vectors
 */
export function batchVectors(
  scope: Scope,
  model: VisionLanguageModel,
  name: string,
  { vision }: Pick<FixtureBatch, 'vision'>,
): Value<'f32'> {
  const { graph } = scope
  const dims = ['pairs', `${name} seq`]
  const input = (part: string) => graph.input(`${name}/${part}`, 'i64', dims)
  const { positionAxes, view } = model.shape
  const pictures = vision && {
    imageRows: model.buildVision(scope, graph.input('pixel_values', 'f32', ['views', ...view])).rows,
    imageIndex: input('image_index'),
  }
  const { norm } = model.buildDecoder(scope, {
    inputIds: input('input_ids'),
    attentionMask: input('attention_mask'),
    positions:
      positionAxes === undefined
        ? undefined
        : graph.input(`${name}/position_ids`, 'i64', [positionAxes, ...dims]),
    ...pictures,
  })
  return pool(norm, weightsOf(graph.input(`${name}/pool_weights`, 'f32', [1, ...dims]), 0))
}

/** The feeds of the inputs that `batchVectors` declares. */
export function batchFeeds(
  name: string,
  batch: FixtureBatch,
  settings: BatchSettings,
): Record<string, Tensor> {
  const { items, seq, vision, imageIndex } = batch
  const starts = items.map((_, i) => startOf(batch, i, settings))
  const padded = (fill: number, row: (item: number) => readonly number[]) => {
    const values = new Array<number>(items.length * seq).fill(fill)
    for (const i of items.keys())
      for (const [at, value] of row(i).entries()) values[i * seq + starts[i]! + at] = value
    return i64([items.length, seq], values)
  }
  const weights = items.map((item) =>
    poolWeights(settings.pooling, { ...item, tailStart: item.spans.tailStart }),
  )
  const pixels = vision && joined(vision.views.map((view) => f32([1, ...view.dims], view.data)))
  return {
    [`${name}/input_ids`]: padded(0, (i) => items[i]!.inputIds),
    [`${name}/attention_mask`]: padded(0, (i) => items[i]!.inputIds.map(() => 1)),
    [`${name}/pool_weights`]: poolWeightsFeed([weights], seq, starts),
    ...positionFeeds(items, seq, starts, `${name}/position_ids`),
    ...(pixels === undefined
      ? {}
      : { pixel_values: pixels, [`${name}/image_index`]: padded(-1, (i) => imageIndex[i]!) }),
    ...vision?.visionFeeds,
  }
}

/** Where an item begins in its row. */
function startOf({ items, seq }: FixtureBatch, item: number, { padding_side: side }: BatchSettings): number {
  return side === 'left' ? seq - items[item]!.inputIds.length : 0
}
