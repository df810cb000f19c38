/** @file A flat map of image and text vectors. */

import { UMAP } from 'umap-js'
import { principalPlane, shapeOf } from '../../foundation/numeric/linear.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { type Tensor, zeros } from '../../foundation/numeric/tensor.ts'

export interface MapOptions {
  seed: number
  /** `umap` keeps neighbours together, `pca` keeps directions and distances; default `umap`. */
  method?: 'umap' | 'pca'
}

/** UMAP's usual neighbourhood (McInnes et al. 2018); a set must be larger than it. */
const NEIGHBOURS = 15

/** Half of umap-js's default for sets of this size, for half the time. */
const EPOCHS = 250

/**
 * Coordinates for drawing: `[items, dim] → [items, 2]`, seeded. Put the vectors of both modalities
 * into one set, so that they share the map. Sets too small for UMAP are drawn by their principal
 * axes.
 */
export function mapOf(vectors: Tensor<'f32'>, { seed, method = 'umap' }: MapOptions): Tensor<'f32'> {
  const { rows, dim } = shapeOf(vectors)
  if (method === 'pca' || rows <= NEIGHBOURS + 1) return principalPlane(vectors)
  const points = Array.from({ length: rows }, (_, row) =>
    Array.from(vectors.data.subarray(row * dim, (row + 1) * dim)),
  )
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: NEIGHBOURS,
    nEpochs: EPOCHS,
    random: stream(seed, 'map'),
  })
  const out = zeros([rows, 2])
  for (const [row, [x = 0, y = 0]] of umap.fit(points).entries()) out.data.set([x, y], row * 2)
  return out
}
