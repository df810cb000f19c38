import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { shippedData } from '../../foundation/files/shipped.ts'
import { stream } from '../../foundation/numeric/random.ts'
import { i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { loadSheets } from '../../inputs/scenes/sheets.ts'
import { loadWorld } from '../../inputs/scenes/world.ts'
import type { TokenizerJson } from '../../inputs/text/byte-level.ts'
import { createTokenizer } from '../../inputs/text/tokenizer.ts'
import { Embedder } from '../../models/embedder/embedder.ts'
import { initialWeights } from '../../models/families/initial.ts'
import { modelParameters } from '../../models/families/parameters.ts'
import { modelOf } from '../../models/families/registry.ts'
import { gradientGraph, stepResultOf } from '../training/gradient.ts'
import { latestSnapshot } from '../training/snapshot.ts'
import { readTwin, writeTwin } from './folder.ts'
import { codeLoss } from './image-tokenizer/loss.ts'
import { CODES, IMAGE_TOKENIZERS } from './image-tokenizer/shape.ts'
import { IGNORED } from './masked-diffusion.ts'
import { maskedPictures } from './objective.ts'
import { VOCABULARY } from './recipe.ts'
import { rowOf, targetRow } from './rows.ts'
import { openSight } from './sight.ts'
import { startCodes } from './start-codes.ts'
import type { TowerWorld } from './tower-batch.ts'
import { TOWER_CONFIG } from './tower-config.ts'
import { trainTwin } from './twin.ts'
import { twinBatch } from './twin-batch.ts'
import { isTower, twinLoss } from './twin-loss.ts'
import { samplesOf } from './twin-samples.ts'
import { twinModel } from './twins/twin.ts'
import { twinAdapted } from './twins/twin-adapted.ts'
import { twinAr } from './twins/twin-ar.ts'
import { twinArDiscrete } from './twins/twin-ar-discrete.ts'
import { twinDiscrete } from './twins/twin-discrete.ts'
import { SPECIAL_IDS, trainVocabulary } from './vocabulary.ts'

const { stack } = IMAGE_TOKENIZERS['image-tokenizer']
const DISCRETE = [twinDiscrete, twinArDiscrete] as const
const root = mkdtempSync(join(tmpdir(), 'bifocal-discrete-'))
afterAll(() => rmSync(root, { recursive: true }))

/**
 * An image tokenizer that was not trained: its codes differ from picture to picture all the same.
 */
const pictures = initialWeights(gradientGraph((graph) => codeLoss(graph, stack)).parameters, {
  seed: 1,
  layers: 1,
  std: 0.1,
})
const parameters = (twin: (typeof DISCRETE)[number]) => {
  const all = initialWeights(modelParameters(twinModel(twin)), { seed: 2, layers: 4, std: 0.04 })
  return Object.fromEntries(Object.entries(all).filter(([name]) => !isTower(name)))
}

let at: TowerWorld
let tokenizer: TokenizerJson
beforeAll(async () => {
  const world = await loadWorld(shippedData(), 'small')
  tokenizer = trainVocabulary(world, 1, 2000)
  at = {
    world,
    sheets: await loadSheets(shippedData(), world.training),
    tokenizer: createTokenizer(tokenizer),
  }
}, 120_000)

async function seen(kind: 'caption' | 'qa', count: number) {
  const sight = await openSight(twinDiscrete, pictures, { threads: 1, thread: 'caller' })
  try {
    return await sight.see(samplesOf(at.world, { kind, seed: 2, from: 0, count, use: 'train' }), at)
  } finally {
    await sight.close()
  }
}
const numbers = ({ data }: Tensor) => Array.from(data, Number)
const learning = { seed: 3, step: 4, learning: true }

describe('a batch', () => {
  test('holds captions in both directions, of questions only the answers', async () => {
    const [captions, questions] = [await seen('caption', 3), await seen('qa', 3)]
    const rows = (drawn: typeof captions) =>
      twinBatch(at, drawn, { ...learning, objective: 'next-token' }).input_ids!.dims[0]
    expect([rows(captions), rows(questions)]).toEqual([6, 3])
  })

  test('of next tokens scores each answer, and each picture with its marks, where the token before stands', async () => {
    const drawn = await seen('caption', 2)
    const batch = twinBatch(at, drawn, { ...learning, objective: 'next-token' })
    const ids = numbers(batch.input_ids!)
    const [positions, targets] = [numbers(batch.scored_positions!), numbers(batch.scored_targets!)]
    expect(targets).toEqual(positions.map((position) => ids[position + 1]))
    const codes = drawn.codes!.flatMap((own) => [
      SPECIAL_IDS.startOfImage,
      ...own!.map((code) => VOCABULARY + code),
      SPECIAL_IDS.endOfImage,
    ])
    expect(targets.slice(-codes.length)).toEqual(codes)
    expect(numbers(batch.scored_weights!).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(2, 5)
  })

  test('of masks never hides a picture that is to be read, and measures as the diffusion twin does', async () => {
    const drawn = await seen('caption', 4)
    const masked = twinBatch(at, drawn, { ...learning, objective: 'masked-diffusion' })
    const seq = masked.input_ids!.dims[1]!
    for (let row = 0; row < 4; row++) {
      const { prompt } = rowOf(at, drawn.samples[row]!, drawn.codes![row]!)
      expect(numbers(masked.input_ids!).slice(row * seq, row * seq + prompt.length)).toEqual(prompt)
    }
    const measured = twinBatch(at, drawn, { ...learning, learning: false, objective: 'masked-diffusion' })
    expect(measured.input_ids!.dims[0]).toBe(2 * 4)
    const weights = numbers(measured.scored_weights!)
    expect(new Set(weights).size).toBe(1)
  })

  test('another picture gives other codes, the same one the same', async () => {
    const { codes } = await seen('qa', 6)
    expect(new Set(codes!.map(String)).size).toBe(6)
    expect(codes!.every((own) => own!.length === CODES)).toBe(true)
    expect((await seen('qa', 6)).codes).toEqual(codes)
  })
})

test('masked pictures: a share by the cosine, at least one code; the marks are scored unmasked', () => {
  const codes = Array.from({ length: 20 }, (_, i) => VOCABULARY + i)
  const answer = [SPECIAL_IDS.startOfImage, ...codes, SPECIAL_IDS.endOfImage]
  const row = targetRow({ prompt: [1, 2], answer, hasFeatures: false }, 26)
  const draws = [0.999, 0.5, 0]
  for (const [i, u] of draws.entries()) {
    const random = stream(i, 'codes')
    let first = true
    const scored = maskedPictures([row], () => {
      const drawn = first ? u : random()
      first = false
      return drawn
    })
    const masked = scored.inputIds[0]!.filter((id) => id === SPECIAL_IDS.mask).length
    // 20 · cos(π/4) = 14.1
    expect(masked).toBe([1, 14, 20][i])
    expect(scored.positions).toHaveLength(masked + 2)
    expect(scored.targets).toEqual(scored.positions.map((position) => row.labels[position]))
    expect(scored.targets).not.toContain(IGNORED)
    expect([scored.inputIds[0]![2], scored.inputIds[0]![23]]).toEqual([
      SPECIAL_IDS.startOfImage,
      SPECIAL_IDS.endOfImage,
    ])
  }
})

test('codes that share bits start alike, in table and head', () => {
  const own = parameters(twinDiscrete)
  startCodes(own, { bits: stack.bits, seed: 1, std: 0.04 })
  const table = own['model.transformer.wte.weight']!
  const row = (code: number) => table.data.subarray((VOCABULARY + code) * 192, (VOCABULARY + code + 1) * 192)
  const cosine = (a: Float32Array, b: Float32Array) => {
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
  }
  expect(cosine(row(0), row(1))).toBeGreaterThan(0.6)
  expect(cosine(row(0), row(1023))).toBeCloseTo(-1, 5)
  expect(own['model.transformer.ff_out.weight']!.data).toEqual(table.data)
})

describe.each(DISCRETE)('$name', (twin) => {
  test('its gradient equals differences, and the mask is its own', async () => {
    const { compiled } = gradientGraph((graph) => twinLoss(graph, twin))
    const session = await openSession(compiled, { weights: memoryWeights({}), thread: 'caller' })
    try {
      const batch = twinBatch(at, await seen('caption', 2), { ...learning, objective: twin.objective })
      const name = 'model.transformer.blocks.2.v_proj.weight'
      const lossAt = async (by: number) => {
        const own = parameters(twin)
        own[name]!.data[7]! += by
        return stepResultOf(await session.run({ ...batch, ...own }))
      }
      const step = 0.05
      const difference = ((await lossAt(step)).loss - (await lossAt(-step)).loss) / (2 * step)
      const { gradients, loss } = await lossAt(0)
      expect(gradients[name]!.data[7]).toBeCloseTo(difference, 3)
      // Two terms, each about the logarithm of the table's rows.
      expect(loss).toBeGreaterThan(Math.log(3072))
      // A token cannot move the loss of tokens before it under a causal mask.
      const seq = batch.input_ids!.dims[1]!
      const [early, late] = [3, 45]
      expect(seq).toBeGreaterThan(late)
      const scored = batch.scored_positions!.dims[0]!
      const moved = async (id: number) => {
        const ids = numbers(batch.input_ids!)
        ids[late] = id
        const changed = {
          input_ids: i64([ids.length / seq, seq], ids),
          scored_positions: i64([scored], new Array<number>(scored).fill(early)),
        }
        return stepResultOf(await session.run({ ...batch, ...changed, ...parameters(twin) })).loss
      }
      expect((await moved(5)) === (await moved(6))).toBe(twin.attention === 'causal')
    } finally {
      await session.close()
    }
  })

  test('its folder opens as an MMaDA model that reads what training showed', async () => {
    const dir = join(root, twin.name)
    await writeTwin(dir, twin, parameters(twin), pictures, tokenizer)
    const { model } = await readTwin(dir, twin)
    if (model.kind !== 'vision-language') throw new TypeError('no twin')
    expect(model.family).toBe('mmada')
    const drawn = await seen('qa', 2)
    const processor = await model.processor(dir)
    for (const [i, sample] of drawn.samples.entries()) {
      const { prompt } = rowOf(at, sample, drawn.codes![i]!)
      const image = { width: 96, height: 96, data: new Uint8Array(96 * 96 * 3) }
      const { inputIds } = processor.prepare(processor.prompt({ text: sample.prompt, images: 1 }).prompt, [
        image,
      ])
      // The processor has the id of code 0 where codes are added in the graph.
      expect(inputIds).toEqual(prompt.map((id) => Math.min(id, VOCABULARY)))
    }
    const embedder = await Embedder.load(dir)
    try {
      expect(embedder.contract.attention).toBe(twin.attention ?? 'native')
      const { vectors } = await embedder.embed([{ text: 'a horse' }, { text: 'a horse' }, { text: 'a cat' }])
      const [first, second, other] = [0, 1, 2].map((row) => vectors.data.slice(row * 192, (row + 1) * 192))
      expect(first).toEqual(second)
      expect(first).not.toEqual(other)
    } finally {
      await embedder.close()
    }
  })
})

test('stopped and resumed, a discrete twin has the same bytes', async () => {
  const twin = twinDiscrete
  const recipe = { steps: 400, batch: 4, seed: 5 }
  const until = async (dir: string, stop: number) => {
    const control = new AbortController()
    const run = {
      workDir: join(root, `${twin.name}-${dir}`),
      threads: 1,
      signal: control.signal,
      onProgress: ({ step }: { step: number }) => step === stop && control.abort(),
    }
    await expect(trainTwin(twin, at, { pictures }, recipe, run)).rejects.toMatchObject({
      code: 'interrupted',
    })
    return (await latestSnapshot(join(run.workDir, 'snapshots')))!
  }
  const whole = await until('whole', 2)
  await until('parts', 1)
  const parts = await until('parts', 2)
  expect(parts.step).toBe(2)
  for (const [name, { data }] of Object.entries(whole.parameters))
    expect(parts.parameters[name]!.data).toEqual(data)
}, 300_000)

test('the twins on features have no rows of pictures, and see what they saw before', () => {
  const drawn = samplesOf(at.world, { kind: 'caption', seed: 2, from: 0, count: 3, use: 'train' })
  const batch = twinBatch(at, drawn, { ...learning, objective: twinAr.objective })
  expect(batch.input_ids!.dims[0]).toBe(3)
  expect(batch.pixels!.dims[0]).toBe(3)
})

test('the adapted twin starts with the values of the autoregressive one, under other names', async () => {
  const tower = initialWeights(modelParameters(modelOf(TOWER_CONFIG)), { seed: 6, layers: 4 })
  const before = initialWeights(modelParameters(twinModel(twinAr)), { seed: 7, layers: 4 })
  const control = new AbortController()
  const run = {
    workDir: join(root, 'adapted'),
    threads: 1,
    signal: control.signal,
    onProgress: () => control.abort(),
  }
  const recipe = { steps: 400, batch: 2, seed: 5 }
  const training = trainTwin(twinAdapted, at, { pictures: tower, before }, recipe, run)
  await expect(training).rejects.toMatchObject({ code: 'interrupted' })
  // The first update of a warm-up moves nothing.
  const { parameters: own } = (await latestSnapshot(join(run.workDir, 'snapshots')))!
  expect(own['model.transformer.blocks.3.ff_out.weight']!.data).toEqual(
    before['language_model.layers.3.mlp.down_proj.weight']!.data,
  )
  expect(own['model.mm_projector.2.bias']!.data).toEqual(before['multi_modal_projector.linear_2.bias']!.data)
}, 300_000)
