/**
 * @file From items to the feeds of a chunk. Where the tower is frozen, the rows of a picture are
 * computed once and kept; where it is trained, its pixels go into the graph each time.
 */

import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import { itemReader } from '../../models/embedder/item-reader.ts'
import { type Pool, poolsOf, type Readout } from '../../models/embedder/readout.ts'
import {
  type PreparingOptions,
  type Sequence,
  sequenceFeeds,
  sequencePreparer,
} from '../../models/embedder/sequence.ts'
import { type SequenceInputs, withoutPixels } from '../../models/embedder/sequence-inputs.ts'
import type { PreparedItem } from '../../models/families/family.ts'
import type { VisionLanguageModel } from '../../models/families/model.ts'
import { type Pictures, rowsPerView } from './chunk-graph.ts'

export interface ChunkInputs {
  /** Decodes an item's pictures, if it must. @throws for an item that the model can't take */
  prepare(item: KeyedItem): Promise<Sequence>
  /** The sequence without what can be made again: pixels. */
  kept(item: KeyedItem, sequence: Sequence): Sequence
  /** Whether one graph can run these together. @param sequences not `kept` ones */
  fitTogether(sequences: readonly Sequence[]): boolean
  /** How pictures enter the graph of these. */
  pictures(sequences: readonly Sequence[]): Pictures
  /** @param groups as `ChunkKind.groups` */
  feeds(groups: readonly (readonly Sequence[])[], signal?: AbortSignal): Promise<ChunkFeeds>
}

interface ChunkFeeds {
  /** Of `chunkVectors`. */
  readonly feeds: Readonly<Record<string, Tensor>>
  /** The pictures whose pixels are fed, in their order. */
  readonly pictures: readonly SeenPicture[]
}

export interface SeenPicture {
  readonly key: string
  readonly views: number
}

/** Inputs of a frozen tower. */
export function rowInputs(inputs: SequenceInputs, readouts: readonly Readout[]): ChunkInputs {
  const pools = poolsOf(readouts)
  return {
    prepare: (item) => inputs.prepare(item),
    kept: (item, sequence) => inputs.kept(item, sequence),
    fitTogether: () => true,
    pictures: () => 'rows',
    async feeds(groups, signal) {
      const table = await inputs.table(groups.flat(), signal)
      return { feeds: feedsOf(groups, table, pools), pictures: [] }
    },
  }
}

/**
 * Inputs of a tower that is trained. Pictures whose tower has inputs that depend on their sizes
 * (`PreparedItem.visionFeeds`) run one at a time.
 */
export async function pixelInputs(
  model: VisionLanguageModel,
  options: PreparingOptions & { readouts: readonly Readout[]; warn?: (message: string) => void },
): Promise<ChunkInputs> {
  const make = await sequencePreparer(model, options)
  const read = itemReader(options.warn)
  const pools = poolsOf(options.readouts)
  const each = rowsPerView(rootScope(new Graph()), model)
  const prepare = async (item: KeyedItem) => make(await read(item))
  return {
    prepare,
    kept: (item, sequence) => withoutPixels(sequence, async () => (await prepare(item)).item),
    fitTogether: (sequences) => {
      const pictured = distinctPictures(sequences)
      return pictured.size < 2 || [...pictured.values()].every(({ item }) => !runsAlone(item))
    },
    pictures: (sequences) => (distinctPictures(sequences).size === 0 ? 'none' : 'pixels'),
    async feeds(groups) {
      const seen = await pixelsOf(distinctPictures(groups.flat()), each)
      return { feeds: { ...feedsOf(groups, seen, pools), ...seen.feeds }, pictures: seen.pictures }
    },
  }
}

function feedsOf(
  groups: readonly (readonly Sequence[])[],
  table: Parameters<typeof sequenceFeeds>[1],
  pools: readonly Pool[],
): Record<string, Tensor> {
  return Object.assign({}, ...groups.map((group, i) => sequenceFeeds(group, table, pools, String(i))))
}

function runsAlone(item: PreparedItem): boolean {
  return item.visionFeeds !== undefined
}

/** Of several sequences with one picture the first. */
function distinctPictures(sequences: readonly Sequence[]): Map<string, Sequence> {
  const found = new Map<string, Sequence>()
  for (const sequence of sequences)
    if (sequence.pictureKey !== undefined && !found.has(sequence.pictureKey))
      found.set(sequence.pictureKey, sequence)
  return found
}

/**
 * The tower's feeds for pictures, and where each one's rows then lie.
 * @param each rows that the tower gives for a view
 */
async function pixelsOf(
  pictures: ReadonlyMap<string, Sequence>,
  each: number,
): Promise<ChunkFeeds & { index(sequence: Pick<Sequence, 'item' | 'pictureKey'>): readonly number[] }> {
  const views: Tensor<'f32'>[] = []
  const seen: SeenPicture[] = []
  const starts = new Map<string, { start: number; own: number }>()
  let feeds: Readonly<Record<string, Tensor>> = {}
  for (const [key, { item, again }] of pictures) {
    const whole = again === undefined ? item : await again()
    if (whole.visionFeeds !== undefined) feeds = whole.visionFeeds
    const own = whole.visionFeeds === undefined ? whole.views.length * each : Number.POSITIVE_INFINITY
    starts.set(key, { start: views.length * each, own })
    views.push(...whole.views)
    seen.push({ key, views: whole.views.length })
  }
  const shared = views.length * each
  const pixels = joined(views.map(({ dims, data }) => f32([1, ...dims], data)))
  return {
    feeds: { ...(pixels && { pixel_values: pixels }), ...feeds },
    pictures: seen,
    index({ item, pictureKey }) {
      const { start, own } = starts.get(pictureKey ?? '') ?? { start: 0, own: 0 }
      return item.imageIndex.map((row) => (row < 0 ? -1 : row < own ? start + row : shared + row - own))
    },
  }
}
