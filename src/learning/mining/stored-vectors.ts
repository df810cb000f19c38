/** @file The vectors of many items as a list that is read from disk, block by block. */

import { f32 } from '../../foundation/numeric/tensor.ts'
import { EmbedderError } from '../../models/embedder/errors.ts'
import type { VectorList } from '../../models/embedder/similarity.ts'
import type { VectorFolder } from '../../models/embedder/vectors/folder.ts'

/** The vectors of numbered items that have one, as a list that is read from disk. */
export interface StoredVectors extends VectorList {
  /** The number of the item at each place of the list. */
  readonly numbers: readonly number[]
  /** Its inverse. */
  readonly places: ReadonlyMap<number, number>
}

/**
 * @param keys of the items, by their numbers
 * @param bad  keys of items without a vector: they have no place in the list
 */
export async function storedVectors(
  folder: VectorFolder,
  keys: readonly string[],
  bad: ReadonlyMap<string, unknown>,
): Promise<StoredVectors> {
  const numbers = [...keys.keys()].filter((number) => !bad.has(keys[number]!))
  const [first] = numbers
  const dim = first === undefined ? 0 : (await vectorOf(folder, keys[first]!)).length
  return {
    rows: numbers.length,
    dim,
    numbers,
    places: new Map(numbers.map((number, place) => [number, place])),
    async read(start, count) {
      const wanted = numbers.slice(start, start + count).map((number) => keys[number]!)
      const vectors = await folder.all(wanted)
      const data = new Float32Array(count * dim)
      for (const [row, key] of wanted.entries())
        data.set(vectors.get(key)?.[0] ?? (await vectorOf(folder, key)), row * dim)
      return f32([count, dim], data)
    },
  }
}

/** @throws EmbedderError `embedder/no-vector` where the store was damaged meanwhile */
async function vectorOf(folder: VectorFolder, key: string): Promise<Float32Array> {
  const found = (await folder.get(key))?.[0]
  if (found !== undefined) return found
  throw new EmbedderError('no-vector', {
    message: `the vector of item "${key}" is no longer in ${folder.path}`,
    hint: 'Leave the folder alone while it is used, and start the command again.',
  })
}
