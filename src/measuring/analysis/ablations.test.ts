import { expect, test } from 'vitest'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { ablate, inForm } from './ablations.ts'
import { foundBothWays } from './matching.ts'
import { Products } from './products.ts'

const rows = f32([2, 4], [3, 4, 0, 5, -1, 2, -2, 0])

test('fewer dims are the leading ones, at unit length', () => {
  expect(Array.from(inForm(rows, 2, 'none').data)).toEqual([
    expect.closeTo(0.6, 6),
    expect.closeTo(0.8, 6),
    expect.closeTo(-1 / Math.sqrt(5), 6),
    expect.closeTo(2 / Math.sqrt(5), 6),
  ])
})

test('binary keeps the signs, where nothing counts as negative', () => {
  expect(Array.from(inForm(rows, 4, 'binary').data)).toEqual([0.5, 0.5, -0.5, 0.5, -0.5, 0.5, -0.5, -0.5])
})

test('every form of every readout is scored against the one in use', async () => {
  const normals = (key: string) => f32([60, 32], fillNormal(new Float32Array(60 * 32), 1, stream(key)))
  const [texts, noise] = [normals('texts'), normals('noise')]
  const noisy = (share: number) =>
    f32(
      texts.dims,
      texts.data.map((value, at) => value + share * noise.data[at]!),
    )
  const products = new Products()
  const source = (layer: number, base: boolean, share: number) => ({
    readout: { layer, norm: 'before', pool: 'mean' } as const,
    ...{ attention: 'causal', base, dim: 32 },
    score: (form: (vectors: typeof texts) => typeof texts) =>
      foundBothWays({ images: form(noisy(share)), texts: form(texts) }, products),
  })
  const made = await ablate([source(0, true, 1), source(1, false, 6)], {
    seed: 7,
    clusters: Array.from({ length: 60 }, (_, i) => String(i)),
  })
  expect(made).toHaveLength(2 * 3 * 3)
  expect(made.filter(({ base }) => base)).toMatchObject([{ dims: 32, quantize: 'none', difference: null }])
  const at = (layer: number, dims: number, quantize: string) =>
    made.find((row) => row.layer === layer && row.dims === dims && row.quantize === quantize)!
  expect(at(1, 32, 'none').difference!.high).toBeLessThan(0)
  expect(Math.abs(at(0, 32, 'int8').difference!.value)).toBeLessThan(0.05)
  expect(at(0, 8, 'none').difference!.high).toBeLessThan(0)
  expect([at(0, 32, 'int8').bytes, at(0, 16, 'binary').bytes, at(0, 16, 'none').bytes]).toEqual([36, 2, 64])
})
