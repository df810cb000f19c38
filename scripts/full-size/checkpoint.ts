/** @file A layout as a checkpoint folder with holes, and the item that is asked of it. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../src/foundation/files/file.ts'
import { sizeOf } from '../../src/foundation/numeric/tensor.ts'
import type { Item } from '../../src/inputs/data/item.ts'
import type { RgbImage } from '../../src/inputs/media/image.ts'
import type { PreparedItem } from '../../src/models/families/family.ts'
import { MARK, markOf, plantDecoder } from './decoder.ts'
import { carrierOf, type Layout, type PlantedWeights } from './layout.ts'
import { type Plants, runsOf } from './plants.ts'
import { type SparseFile, writeSparse, writeSparseShards } from './sparse.ts'

const TEXT = 'What is in the picture?'

/** White, and as large as a grid of LaViDa's: nothing is padded. */
const PICTURE: RgbImage = { width: 384, height: 768, data: new Uint8Array(384 * 768 * 3).fill(255) }

export interface WrittenCheckpoint {
  readonly asked: Item
  /** `asked` as the model reads it. */
  readonly item: PreparedItem
  /** Other texts, without a prompt around them. */
  readonly others: readonly PreparedItem[]
  /** Tokens of `others` that are marked. */
  readonly marked: ReadonlySet<number>
  /** All that is planted, the rows of the embedding table that the item reads included. */
  readonly plants: Plants
}

/**
 * Writes the folder. Files of an earlier one are overwritten.
 * @param texts of further items, whose rows of the embedding table are planted too, with marks
 * @param pictured whether the item has a picture; without one the tower has nothing to do, and
 *   nothing is planted in it
 */
export async function writeCheckpoint(
  dir: string,
  layout: Layout,
  pictured = true,
  texts: readonly string[] = [],
): Promise<WrittenCheckpoint> {
  const { config, files, companion, decoder, model, shardBytes, tensors } = layout
  await mkdir(dir, { recursive: true })
  for (const [name, json] of Object.entries({ 'config.json': config, ...files }))
    await writeFileAtomic(join(dir, name), JSON.stringify(json))
  if (companion !== undefined) {
    const folder = join(dir, companion.folder)
    await writeFileAtomic(join(folder, 'config.json'), JSON.stringify(companion.config))
    await writeSparse(join(folder, companion.file), sparse(companion))
  }
  const processor = await model.processor(dir)
  const pictures = pictured ? [PICTURE] : []
  const item = processor.prepare(processor.prompt({ text: TEXT, images: pictures.length }).prompt, pictures)
  const others = texts.map((text) => processor.prepare(text, []))
  const rows = [...new Set([item, ...others].flatMap((each) => layout.rows(each)))].sort((a, b) => a - b)
  const marked = new Set(rows.filter((row) => others.some(({ inputIds }) => !inputIds.includes(row))))
  const table = {
    value: 1,
    at: rows.flatMap((row) => {
      const start = row * decoder.hidden
      return marked.has(row) ? [start, start + markOf(row, decoder)] : [start]
    }),
    factors: rows.flatMap((row) => (marked.has(row) ? [carrierOf(row), MARK] : [carrierOf(row)])),
  }
  const plants = new Map([
    ...(pictured ? layout.plants : plantDecoder(decoder)),
    [`${decoder.places.embeddings}.weight`, table],
  ])
  await writeSparseShards(dir, sparse({ tensors, plants }), shardBytes)
  return { asked: { text: TEXT, image: pictures }, item, others, marked, plants }
}

/** Planted numbers as runs in the tensors of a folder; those of another folder are left out. */
function sparse({ tensors, plants }: PlantedWeights): SparseFile {
  const planted = tensors.flatMap(({ name, dims }) => {
    const plant = plants.get(name)
    return plant === undefined ? [] : [[name, runsOf(plant, sizeOf(dims))] as const]
  })
  return { tensors, runs: new Map(planted) }
}
