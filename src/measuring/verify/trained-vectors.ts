/** @file Vectors of items in one state of a model's weights, by the embedder. */

import type { Device } from '../../engine/runtime/devices.ts'
import { joined } from '../../foundation/numeric/rows.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { TunableModel } from '../../learning/tuning/tunable.ts'
import { visionLanguageEncoder } from '../../models/embedder/vision-language.ts'
import type { ModelWeights } from '../../models/families/model-weights.ts'

/** `[items, dim]` unit vectors, as the contract of the model reads them. */
export async function vectorsOf(
  { model, checkpoint, contract }: TunableModel,
  items: readonly KeyedItem[],
  weights: ModelWeights,
  device: Device,
): Promise<Tensor<'f32'> | undefined> {
  const readouts = [contract.readout]
  const encoder = await visionLanguageEncoder(model, { checkpoint, contract, readouts, weights, device })
  const rows: Tensor<'f32'>[] = []
  try {
    const prepared = []
    for (const item of items) prepared.push(await encoder.prepare(item))
    await encoder.encode(prepared, {
      readouts: [0],
      onBatch: (places, vectors) => {
        for (const [i, place] of places.entries()) {
          const vector = vectors[0]![i]!
          rows[place] = f32([1, vector.length], vector)
        }
      },
    })
    return joined(rows)
  } finally {
    await encoder.close()
  }
}
