/** @file Dropout: its rate, its independence, and that no chunk or padding changes it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goldenDir, hasGolden } from '../../../../test/golden.ts'
import { writeRandomTwins } from '../../../../test/random-twins.ts'
import { vectorJacobian } from '../../../engine/graph/backward.ts'
import { compile } from '../../../engine/graph/compile.ts'
import { Graph, type Value } from '../../../engine/graph/graph.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { joined } from '../../../foundation/numeric/rows.ts'
import { isF32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { keyed } from '../../../inputs/data/item.ts'
import { decodeImage } from '../../../inputs/media/decode.ts'
import { type Sequence, sequenceFeeds } from '../../../models/embedder/sequence.ts'
import { SequenceInputs } from '../../../models/embedder/sequence-inputs.ts'
import { openSubject } from '../../../models/embedder/subject.ts'
import { readVectors } from '../../../models/embedder/vision-language.ts'
import { decoderInputs } from '../../../models/families/decoder-inputs.ts'
import { fedParameters } from '../../training/gradient.ts'
import { tunableModel } from '../tunable.ts'
import { type DropoutStep, dropout } from './dropout.ts'
import { trainSettings } from './settings.ts'
import { openTrained } from './trained.ts'

let dir = ''
let twins: Awaited<ReturnType<typeof writeRandomTwins>>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'bifocal-dropout-'))
  twins = await writeRandomTwins(dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const WIDTH = 48

/** Which elements of `[rows, WIDTH]` are kept, row by row, for each module. */
async function keptOf(
  rate: number,
  modules: readonly string[],
  { seed = 1, ...step }: { seed?: number } & DropoutStep,
): Promise<number[][]> {
  const graph = new Graph()
  const drop = dropout(rate, seed)
  const ones = graph.input('ones', 'f32', ['batch', 'seq', WIDTH])
  for (const module of modules) graph.output(module, drop.apply(ones, module))
  const compiled = compile(graph)
  const session = await openSession(compiled, {
    weights: { locate: () => undefined },
    thread: 'caller',
    name: 'dropout',
  })
  try {
    const units = step.units['batch*seq']!
    const rows = units.length * units[0]!.rows
    const data = new Float32Array(rows * WIDTH).fill(1)
    const outputs = await session.run({
      ones: { dtype: 'f32', dims: [units.length, units[0]!.rows, WIDTH], data },
      ...drop.feeds(compiled, step),
    })
    return modules.map((module) => Array.from(floats(outputs[module])))
  } finally {
    await session.close()
  }
}

function floats(value: Tensor | undefined): Float32Array {
  if (value === undefined || !isF32(value)) throw new Error('floats are expected')
  return value.data
}

/** Items of 200 positions. */
const items = (count: number, update = 0): DropoutStep => ({
  update,
  units: { 'batch*seq': Array.from({ length: count }, (_, key) => ({ key, rows: 200 })) },
})

/** Pearson's correlation of two lists of zeros and others. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
  const [x, y] = [mean(a), mean(b)]
  let [both, left, right] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    both += (value - x) * (b[i]! - y)
    left += (value - x) ** 2
    right += (b[i]! - y) ** 2
  }
  return both / Math.sqrt(left * right)
}

describe('statistics', () => {
  test.each([0.05, 0.1, 0.5])('rate %d: so many are dropped, the others scaled', async (rate) => {
    const [values = []] = await keptOf(rate, ['layer'], items(40))
    const dropped = values.filter((value) => value === 0).length / values.length
    // Five standard deviations of 384,000 independent draws, and the rounding to 1021 steps.
    expect(Math.abs(dropped - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / values.length) + 0.0005)
    for (const value of new Set(values))
      expect(value === 0 ? 1 / (1 - rate) : value).toBeCloseTo(1 / (1 - rate), 5)
  })

  test('columns, rows, items, updates and modules are independent of each other', async () => {
    const [values = [], other = []] = await keptOf(0.3, ['layer', 'another'], items(40))
    const [later = []] = await keptOf(0.3, ['layer'], items(40, 1))
    const [seeded = []] = await keptOf(0.3, ['layer'], { ...items(40), seed: 2 })
    const bound = 5 / Math.sqrt(values.length)
    for (const list of [other, later, seeded]) expect(Math.abs(correlation(values, list))).toBeLessThan(bound)
    const shifted = (by: number) => [...values.slice(by), ...values.slice(0, by)]
    // The next column, the next row, and the same position of the next item.
    for (const by of [1, 2, WIDTH, 2 * WIDTH, 200 * WIDTH, WIDTH + 1])
      expect(Math.abs(correlation(values, shifted(by))), `${by}`).toBeLessThan(bound)
  })

  test('rows and columns are dropped as often as independent draws would be', async () => {
    const rate = 0.3
    const [values = []] = await keptOf(rate, ['layer'], items(40))
    const spread = (groups: number, of: (at: number) => number, draws: number) => {
      const counts = new Array<number>(groups).fill(0)
      for (const [at, value] of values.entries()) if (value === 0) counts[of(at)]! += 1
      return (
        counts.reduce((sum, count) => sum + (count - rate * draws) ** 2, 0) /
        groups /
        (draws * rate * (1 - rate))
      )
    }
    // The variance of a binomial count, its own standard error being √(2 / groups).
    const rows = values.length / WIDTH
    expect(Math.abs(spread(rows, (at) => Math.floor(at / WIDTH), WIDTH) - 1)).toBeLessThan(
      5 * Math.sqrt(2 / rows),
    )
    expect(Math.abs(spread(WIDTH, (at) => at % WIDTH, rows) - 1)).toBeLessThan(5 * Math.sqrt(2 / WIDTH))
  })

  test('every pair of columns is dropped together as often as independent draws would be', async () => {
    const rate = 0.3
    const [values = []] = await keptOf(rate, ['layer'], items(40))
    const rows = values.length / WIDTH
    let worst = 0
    for (let a = 0; a < WIDTH; a++)
      for (let b = 0; b < a; b++) {
        let together = 0
        for (let row = 0; row < rows; row++)
          if (values[row * WIDTH + a] === 0 && values[row * WIDTH + b] === 0) together++
        worst = Math.max(worst, Math.abs(together / rows - rate ** 2))
      }
    // 1,128 pairs: five and a half standard deviations.
    expect(worst).toBeLessThan(5.5 * Math.sqrt((rate ** 2 * (1 - rate ** 2)) / rows) + 0.0005)
  })
})

test('padding before or behind an item, and items beside it, change nothing', async () => {
  const unit = { key: 3, rows: 5 }
  const rowsOf = async (units: DropoutStep['units'][string], from: number) => {
    const [values = []] = await keptOf(0.4, ['layer'], { update: 2, units: { 'batch*seq': units } })
    return values.slice(from * WIDTH, (from + 5) * WIDTH)
  }
  const alone = await rowsOf([unit], 0)
  expect(
    await rowsOf(
      [
        { key: 0, rows: 9 },
        { ...unit, rows: 9 },
      ],
      9,
    ),
  ).toEqual(alone)
  expect(await rowsOf([{ ...unit, rows: 9, first: 4 }], 4)).toEqual(alone)
  expect(await rowsOf([{ ...unit, key: 4 }], 0)).not.toEqual(alone)
})

describe.each([
  ['LoRA', {}],
  ['DoRA', { dora: true }],
])('%s', (_, kind) => {
  test('a batch in chunks gives the gradients of the whole batch', async () => {
    const subject = await openSubject(twins.ar, { threads: 1 })
    const model = tunableModel(subject)
    const settings = trainSettings.parse({ rank: 4, dropout: 0.3, ...kind })
    const trained = await openTrained(model, settings, 1)
    // B begins at zero, where the gradient of A is zero too.
    for (const [name, { data }] of Object.entries(trained.parameters))
      if (name.includes('lora_B')) for (let i = 0; i < data.length; i++) data[i] = Math.sin(i) / 10
    const readout = { layer: 'last', norm: 'after', pool: 'mean' } as const
    const inputs = await SequenceInputs.open(model.model, { ...subject.encoder, readouts: [readout] })
    const texts = ['a red apple', 'what is to the left of the cat', 'a key', 'a blue background']
    const sequences = await Promise.all(texts.map((text) => inputs.prepare(keyed({ text }))))

    const graph = new Graph()
    const weights = trained.training({ rows: 64 })
    const scope = rootScope(graph, weights.scope)
    const pieces = model.model.buildDecoder(scope, decoderInputs(graph, model.model.shape))
    const [vectors] = readVectors(pieces, [readout], graph, '')
    graph.output('vectors', vectors!)
    const parameters = fedParameters(graph, [vectors!])
    const upstream = graph.input('upstream', 'f32', vectors!.dims)
    const found = vectorJacobian(
      [{ output: vectors!, upstream }],
      parameters.map(({ value }) => value),
    )
    for (const [i, { name }] of parameters.entries()) graph.output(`gradient/${name}`, found[i]!)
    const compiled = compile(graph)
    const session = await openSession(compiled, {
      weights: await weights.source(compiled),
      threads: 1,
      thread: 'caller',
      name: 'chunks',
    })
    const width = model.model.shape.hidden
    const run = async (members: readonly number[], update = 5) => {
      const batch: Sequence[] = members.map((at) => sequences[at]!)
      const seq = Math.max(...batch.map(({ tokens }) => tokens))
      const seeds = members.map((at) => ({
        dtype: 'f32' as const,
        dims: [1, width],
        data: Float32Array.from({ length: width }, (_, i) => Math.cos(at * width + i)),
      }))
      return await session.run({
        ...sequenceFeeds(batch, await inputs.table(batch), ['mean']),
        ...weights.feeds(compiled),
        ...trained.dropout!.feeds(compiled, {
          update,
          units: { 'batch*seq': members.map((key) => ({ key, rows: seq })) },
        }),
        upstream: joined(seeds)!,
      })
    }
    const whole = await run([0, 1, 2, 3])
    const chunks = [await run([2, 0]), await run([3]), await run([1])]
    for (const { name: parameter } of parameters) {
      const name = `gradient/${parameter}`
      const sum = floats(whole[name]).map((_, i) =>
        chunks.reduce((total, chunk) => total + floats(chunk[name])[i]!, 0),
      )
      const largest = floats(whole[name]).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(sum, name).toBeAllClose(floats(whole[name]), { atol: 1e-5 * Math.max(largest, 1e-3) })
    }
    const rows = (at: number) => floats(whole.vectors).subarray(at * width, (at + 1) * width)
    expect(floats(chunks[1]!.vectors)).toBeAllClose(rows(3), { atol: 1e-6 })
    const later = await run([3], 6)
    expect(floats(later.vectors)).not.toBeAllClose(rows(3), { atol: 1e-4 })
    await session.close()
    await inputs.close()
  })
})

test.runIf(hasGolden('qwen2-vl'))(
  'a tower that sees pictures in their own size drops alike, together or apart',
  async () => {
    const subject = await openSubject(join(goldenDir('qwen2-vl'), 'checkpoint'), { threads: 1 })
    const { model, checkpoint } = tunableModel(subject)
    const settings = trainSettings.parse({ rank: 4, dropout: 0.3, targets: 'decoder+projector+tower' })
    const trained = await openTrained(tunableModel(subject), settings, 1)
    for (const [name, { data }] of Object.entries(trained.parameters))
      if (name.includes('lora_B')) for (let i = 0; i < data.length; i++) data[i] = Math.sin(i) / 10
    const graph = new Graph()
    const weights = trained.training()
    const pixels: Value<'f32'> = graph.input('pixel_values', 'f32', ['views', ...model.shape.view])
    graph.output('rows', model.buildVision(rootScope(graph, weights.scope), pixels).rows)
    const compiled = compile(graph)
    expect(compiled.inputs.flatMap(({ name }) => (name.startsWith('dropout/') ? [name] : []))).toEqual([
      'dropout/views/4',
      'dropout/views/1',
    ])
    const processor = await model.processor(checkpoint.dir)
    const odd = await decodeImage(join(goldenDir('qwen2-vl'), 'images', 'odd.png'))
    const wide = { width: 97, height: 30, data: new Uint8Array(97 * 30 * 3).map((_, i) => (i * i) % 251) }
    const pictures = [odd, wide]
    const session = await openSession(compiled, {
      weights: await weights.source(compiled),
      threads: 1,
      thread: 'caller',
      name: 'tower',
    })
    const run = async (members: readonly number[]) => {
      const { prompt } = processor.prompt({ images: members.length })
      const { views, visionFeeds } = processor.prepare(
        prompt,
        members.map((at) => pictures[at]!),
      )
      const cells = members.map(
        (at) => processor.prepare(processor.prompt({ images: 1 }).prompt, [pictures[at]!]).views.length,
      )
      const { rows } = await session.run({
        pixel_values: joined(views.map((view) => ({ ...view, dims: [1, ...view.dims] })))!,
        ...visionFeeds,
        ...weights.feeds(compiled),
        ...trained.dropout!.feeds(compiled, {
          update: 1,
          units: { views: members.map((key, i) => ({ key, rows: cells[i]! })) },
        }),
      })
      return { rows: floats(rows), cells }
    }
    const together = await run([0, 1])
    const [first, second] = [await run([0]), await run([1])]
    expect(together.rows).toBeAllClose(Float32Array.from([...first.rows, ...second.rows]), { atol: 1e-5 })
    await session.close()
  },
)
