/** @file A fresh low-rank adapter of two layers, and the model that it fits. */

import { type Adapter, initialAdapter } from '../src/models/checkpoint/adapter.ts'

export const layers = [
  { module: 'model.layers.0.q_proj', inFeatures: 6, outFeatures: 4 },
  { module: 'model.layers.1.q_proj', inFeatures: 6, outFeatures: 4 },
]
/** A model whose parameters are spelled in one way only. */
export const baseOf = (parameters: Record<string, readonly number[]>) => ({
  parameters: Object.entries(parameters).map(([name, dims]) => ({ name, dims })),
  spellings: (name: string) => [name],
  tensors: new Map(Object.entries(parameters).map(([name, dims]) => [name, { dims }])),
})
export const small = baseOf(Object.fromEntries(layers.map(({ module }) => [`${module}.weight`, [4, 6]])))
export const fresh = (): Adapter =>
  initialAdapter(layers, { rank: 2, alpha: 8, seed: 3, baseModel: 'twin-ar' })
