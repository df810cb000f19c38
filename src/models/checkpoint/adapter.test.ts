import { describe, expect, test } from 'vitest'
import { fresh, layers, small } from '../../../test/small-adapter.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { type Adapter, adapterParameters, initialAdapter } from './adapter.ts'
import { bindAdapter, editedWeights, mergedEdits } from './adapter-binding.ts'

const merge = (adapter: Adapter, weight: Tensor<'f32'>) =>
  editedWeights(mergedEdits(bindAdapter(adapter, small)), async () => weight)

describe('a fresh adapter', () => {
  test('changes nothing, draws each module by its name', async () => {
    const adapter = fresh()
    const weight = f32([4, 6], Float32Array.from({ length: 24 }, Math.sin))
    const merged = await merge(adapter, weight)
    expect([...merged.keys()]).toEqual(['model.layers.0.q_proj.weight', 'model.layers.1.q_proj.weight'])
    for (const { data } of merged.values()) expect(data).toEqual(weight.data)
    const [first, second] = [...adapter.modules.values()]
    expect(first!.down.data).not.toEqual(second!.down.data)
    expect(
      initialAdapter(layers.slice(1), { rank: 2, alpha: 8, seed: 3 }).modules.get(layers[1]!.module),
    ).toEqual(second)
  })

  test('A has standard deviation 1 / rank', () => {
    const { modules } = initialAdapter([{ module: 'm', inFeatures: 4000, outFeatures: 1 }], {
      rank: 4,
      alpha: 4,
      seed: 1,
    })
    const { data } = modules.get('m')!.down
    expect(Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length)).toBeCloseTo(0.25, 2)
  })

  test('its parameters are its own arrays', async () => {
    const adapter = fresh()
    adapterParameters(adapter)['model.layers.0.q_proj.lora_B.weight']!.data.fill(1)
    const { down } = adapter.modules.get('model.layers.0.q_proj')!
    const merged = await merge(adapter, f32([4, 6], new Float32Array(24)))
    // alpha / rank = 4, both rows of A summed by ones.
    expect(merged.get('model.layers.0.q_proj.weight')!.data[0]).toBeCloseTo(
      4 * (down.data[0]! + down.data[6]!),
      6,
    )
  })
})
