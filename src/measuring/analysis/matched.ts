/** @file Two sets of vectors that anybody made, brought into the same order. */

import { firstOf } from '../../foundation/numeric/errors.ts'
import type { VectorSet } from '../../models/embedder/vectors/reading/set.ts'
import { AnalysisError } from './errors.ts'
import { type Pairs, rowsAt } from './pairs.ts'

export interface MatchedPairs {
  readonly pairs: Pairs
  /** `[pairs]` ids where both sets have them, else the place in the source. */
  readonly ids: readonly string[]
  /** `[pairs]` the place of each pair in the source of the images. */
  readonly places: readonly number[]
  /** Items of either set without a vector: their pairs are left out. */
  readonly skipped: number
}

/**
 * Matches images and texts: by their ids where both sets have ids, else by their place.
 * @throws AnalysisError `analysis/ids` for an id that one set lacks, `analysis/count` for sets of
 *   unequal length
 */
export function matchedSets(images: VectorSet, texts: VectorSet): MatchedPairs {
  return images.ids !== undefined && texts.ids !== undefined
    ? byId(images, images.ids, texts, texts.ids)
    : byPlace(images, texts)
}

function byId(
  images: VectorSet,
  imageIds: readonly string[],
  texts: VectorSet,
  textIds: readonly string[],
): MatchedPairs {
  const rowOf = new Map(textIds.map((id, row) => [id, row]))
  const known = new Set(imageIds)
  const absent = imageIds.filter((id) => !rowOf.has(id))
  const lone = textIds.filter((id) => !known.has(id))
  if (absent.length + lone.length > 0) {
    const [path, ids] = absent.length > 0 ? [texts.path, absent] : [images.path, lone]
    throw new AnalysisError('ids', {
      message: `${path} has no vector for ${ids.length} ids of the other file: ${firstOf(ids, 3)}`,
      hint: 'Both files must hold the same ids. Where one has none, rows are matched by their place.',
    })
  }
  return {
    pairs: {
      images: images.vectors,
      texts: rowsAt(
        texts.vectors,
        imageIds.map((id) => rowOf.get(id)!),
      ),
    },
    ids: imageIds,
    places: images.indices,
    skipped: Math.max(images.skipped, texts.skipped),
  }
}

function byPlace(images: VectorSet, texts: VectorSet): MatchedPairs {
  const items = ({ indices, skipped }: VectorSet) => indices.length + skipped
  if (items(images) !== items(texts)) {
    throw new AnalysisError('count', {
      message: `${images.path} has ${items(images)} rows, ${texts.path} ${items(texts)}: expected as many`,
      hint: 'Row i of both must describe the same item, or both files must have ids.',
    })
  }
  const rowOf = new Map(texts.indices.map((index, row) => [index, row]))
  const rows = [...images.indices.keys()].filter((row) => rowOf.has(images.indices[row]!))
  const places = rows.map((row) => images.indices[row]!)
  return {
    pairs: {
      images: rowsAt(images.vectors, rows),
      texts: rowsAt(
        texts.vectors,
        places.map((place) => rowOf.get(place)!),
      ),
    },
    ids: places.map(String),
    places,
    skipped: items(images) - rows.length,
  }
}
