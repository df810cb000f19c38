import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSession, type Session } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { initialWeights } from '../../../models/families/initial.ts'
import { gradientGraph, stepResultOf } from '../../training/gradient.ts'
import { CAPTIONER, captionFeeds } from './caption.ts'
import { alignedCodeLoss } from './loss.ts'
import { CODE_PICTURE, IMAGE_TOKENIZERS } from './shape.ts'

const { stack } = IMAGE_TOKENIZERS['image-tokenizer-aligned']
const { compiled, parameters: slots } = gradientGraph((graph) => alignedCodeLoss(graph, stack))
const weights = () => initialWeights(slots, { seed: 1, layers: 2, std: 0.1 })
const pixels = f32(
  [2, 3, CODE_PICTURE, CODE_PICTURE],
  fillNormal(new Float32Array(6 * CODE_PICTURE ** 2), 0.5, stream(3, 'pixels')),
)
const captions = [
  [5, 6, 7],
  [8, 9],
]
let session: Session
beforeAll(async () => {
  session = await openSession(compiled, { weights: memoryWeights({}), thread: 'caller' })
}, 120_000)
afterAll(() => session.close())
const lossAt = async (parameters: ReturnType<typeof weights>, read = captions) =>
  stepResultOf(await session.run({ ...parameters, pixels, signs: f32([], [0]), ...captionFeeds(read) }))

test('the caption teaches the encoder: the gradient equals differences', async () => {
  const name = 'encoder.conv_out.weight'
  const moved = async (by: number) => {
    const other = weights()
    other[name]!.data[40]! += by
    return (await lossAt(other)).loss
  }
  const step = 1e-2
  const { gradients } = await lossAt(weights())
  expect(gradients[name]!.data[40]).toBeCloseTo(((await moved(step)) - (await moved(-step))) / (2 * step), 3)
  const [own, other] = [gradients, (await lossAt(weights(), [[1], [2]])).gradients]
  expect(own[name]!.data).not.toEqual(other[name]!.data)
})

test('each caption is scored for itself: another one beside it, or filling, changes nothing', async () => {
  const parameters = weights()
  const both = (await lossAt(parameters)).metrics.caption!
  // Two rows of four and three scored tokens.
  const longer = (
    await lossAt(parameters, [
      [5, 6, 7],
      [8, 9, 10, 11, 12],
    ])
  ).metrics.caption!
  const first = (await lossAt(parameters, [[5, 6, 7], []])).metrics.caption!
  expect(both).toBeGreaterThan(5)
  expect(longer).not.toBe(both)
  expect(first).not.toBe(both)
  expect(Object.keys(parameters).some((name) => name.startsWith(`${CAPTIONER}.`))).toBe(true)
})

test('feeds score every word and the end, where the word before stands', () => {
  const { caption_mask, scored_positions, scored_targets } = captionFeeds(captions)
  expect(Array.from(scored_targets!.data, Number).slice(0, 3)).toEqual([5, 6, 7])
  expect(scored_targets!.dims).toEqual([7])
  expect(caption_mask!.dims).toEqual([2, 36 + 24])
  expect(Array.from(scored_positions!.data, Number)).toEqual([36, 37, 38, 39, 96, 97, 98])
})
