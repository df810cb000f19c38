/**
 * @file Vectors of many items through one model, kept in a folder: an interrupted run goes on where
 * it stopped, and ends with the same bytes.
 */

import { distinctOf, type KeyedItem } from '../../../inputs/data/item.ts'
import { EmbedderError } from '../errors.ts'
import { VectorFolder } from './folder.ts'
import type { VectorMaker } from './maker.ts'
import { type EmbedAllOptions, type SkippedKey, storeAll } from './storing.ts'

/** The vector of an item by its key. */
export type VectorOf = (key: string) => Float32Array

/** All vectors of one model that were asked for. */
export interface AllVectors {
  /** @throws EmbedderError `embedder/no-vector` */
  readonly of: (readout: string) => VectorOf
  /** Items that were taken from disk. */
  readonly resumed: number
  /** In the order of the items. */
  readonly skipped: readonly SkippedKey[]
}

/**
 * Gives the vectors of all items. Takes from `dir` what is there; computes the rest in chunks, and
 * writes each when it is whole. The borders of the chunks depend on the list of items alone, and a
 * vector's last bits on its chunk: a run that was killed and resumed ends with the same bytes.
 * @param dir   one folder for any number of models and lists of items; or the model's own folder in
 *   it, open already, where many lists of one model come one after the other
 * @param items equal keys count once
 * @throws EmbedderError `embedder/store` for a vector that is not finite, or of another form than
 *   its neighbours; FileError; InterruptedError; as `VectorMaker.embed`
 * @example
 * const embedder = await Embedder.load('bifocal:twin-ar')
 * const vectors = await embedAll('vectors', await makerOf(embedder, { id: 'twin-ar' }), items)
 * const score = dot(vectors.of('vector')(query.key), vectors.of('vector')(candidate.key))
 */
export async function embedAll(
  dir: string | VectorFolder,
  maker: VectorMaker,
  items: readonly KeyedItem[],
  { signal, onProgress, warn, badItems }: EmbedAllOptions = {},
): Promise<AllVectors> {
  const { id, readouts } = maker
  const folder = typeof dir === 'string' ? await vectorFolder(dir, maker, warn) : dir
  const distinct = distinctOf(items)
  // Read first: the items of a damaged chunk are then absent.
  const vectors = await folder.all(distinct.map(({ key }) => key))
  const { resumed, skipped } = await storeAll(folder, maker, distinct, {
    signal,
    onProgress,
    badItems,
    onStored: (entries) => {
      for (const entry of entries) vectors.set(entry.key, entry.vectors)
    },
  })
  return {
    resumed,
    skipped,
    of(readout) {
      const column = readouts.indexOf(readout)
      return (key) => {
        const found = vectors.get(key)?.[column]
        if (found !== undefined) return found
        const message = `${id} has no ${readout} vector of "${key}"`
        const hint = 'Embed all items of the tasks before they are scored.'
        throw new EmbedderError('no-vector', { message, hint })
      }
    },
  }
}

/** The folder, within `dir`, of the vectors of one model. @throws FileError */
export async function vectorFolder(
  dir: string,
  { hash: fingerprint, readouts }: VectorMaker,
  warn?: (message: string) => void,
): Promise<VectorFolder> {
  return await VectorFolder.open(dir, { fingerprint, readouts, warn })
}
