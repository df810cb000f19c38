import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSession, type Session } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { openCheckpoint } from '../../../models/checkpoint/folder.ts'
import { initialWeights } from '../../../models/families/initial.ts'
import { checkCodebook } from '../../../models/families/mmada/codebook.ts'
import { gradientGraph, stepResultOf } from '../../training/gradient.ts'
import { readImageTokenizer, writeImageTokenizer } from './folder.ts'
import { codeLoss } from './loss.ts'
import { probe } from './probe.ts'
import { CODE_PICTURE, IMAGE_TOKENIZERS } from './shape.ts'

const { stack } = IMAGE_TOKENIZERS['image-tokenizer']
const { compiled, parameters: slots } = gradientGraph((graph) => codeLoss(graph, stack))
const weights = () => initialWeights(slots, { seed: 1, layers: 1, std: 0.1 })

describe('the loss', () => {
  const pixels = f32(
    [2, 3, CODE_PICTURE, CODE_PICTURE],
    fillNormal(new Float32Array(6 * CODE_PICTURE ** 2), 0.5, stream(3, 'pixels')),
  )
  let session: Session
  beforeAll(async () => {
    session = await openSession(compiled, { weights: memoryWeights({}), thread: 'caller' })
  }, 120_000)
  afterAll(() => session.close())
  const lossAt = async (parameters: ReturnType<typeof weights>, signs: number) =>
    stepResultOf(await session.run({ ...parameters, pixels, signs: f32([], [signs]) }))

  test('without signs its gradient of the encoder equals differences', async () => {
    const name = 'encoder.conv_out.weight'
    const parameters = weights()
    const { gradients } = await lossAt(parameters, 0)
    const at = 40
    const moved = async (by: number) => {
      const other = weights()
      other[name]!.data[at]! += by
      return (await lossAt(other, 0)).loss
    }
    const step = 1e-2
    const difference = ((await moved(step)) - (await moved(-step))) / (2 * step)
    expect(gradients[name]!.data[at]).toBeCloseTo(difference, 3)
  })

  test('signs hide nothing of the gradient: every weight of the encoder still learns', async () => {
    const { gradients, metrics } = await lossAt(weights(), 1)
    const still = Object.entries(gradients).filter(([, { data }]) => data.every((value) => value === 0))
    expect(still.map(([name]) => name)).toEqual([])
    expect(metrics.mean_bit_entropy).toBeLessThanOrEqual(Math.LN2 + 1e-4)
  })
})

test.each(['image-tokenizer', 'image-tokenizer-6'] as const)(
  'the folder of %s is one that MMaDA takes: its code book has the order of bits',
  async (name) => {
    const dir = mkdtempSync(join(tmpdir(), 'bifocal-codes-'))
    try {
      const { stack: own } = IMAGE_TOKENIZERS[name]
      const { parameters: ownSlots } = gradientGraph((graph) => codeLoss(graph, own))
      const parameters = initialWeights(ownSlots, { seed: 1, layers: 1, std: 0.1 })
      await writeImageTokenizer(dir, parameters, own)
      expect(await readImageTokenizer(dir)).toEqual(parameters)
      const checkpoint = await openCheckpoint(dir, { otherwise: 'pytorch_model.safetensors' })
      await expect(checkCodebook(checkpoint)).resolves.toBeUndefined()
      const rows = name === 'image-tokenizer' ? [1024, 10] : [64, 6]
      expect(checkpoint.tensors.get('quantize.embedding')?.dims).toEqual(rows)
    } finally {
      rmSync(dir, { recursive: true })
    }
  },
)

describe('a probe', () => {
  const rows = (told: boolean, use: string, count: number) => {
    const random = stream(5, use)
    const classes = Array.from({ length: count }, () => Math.floor(3 * random()))
    const features = classes.flatMap((own) =>
      Array.from({ length: 6 }, (_, i) => (told && i % 3 === own ? 1 : 0) + random()),
    )
    return { features: f32([count, 6], features), classes }
  }
  const options = { classes: 3, seed: 2 }

  test('reads what the features hold, and no more', async () => {
    const [held] = await probe(rows(true, 'train', 500), [rows(true, 'test', 300)], options)
    const [absent] = await probe(rows(false, 'train', 500), [rows(false, 'test', 300)], options)
    expect(held).toBeGreaterThan(0.9)
    expect(absent).toBeLessThan(0.45)
  })
})
