import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../../foundation/numeric/float.ts'
import { int8Rows } from '../../foundation/numeric/int8.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { rotatedWeight, rotationBlock, rotationMatrix } from '../../foundation/numeric/rotation.ts'
import { f32, i64, sizeOf, type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import { startEngine } from '../runtime/engine.ts'
import { placeWeights } from '../runtime/placement.ts'
import { openSession, type SessionOptions } from '../runtime/session.ts'
import { sumsSignedExactly } from '../runtime/signed-sums.ts'
import { locateWeights, memoryWeights, type WeightSource } from '../runtime/weights.ts'
import { type CompileOptions, compile } from './compile.ts'
import { cast } from './elementwise.ts'
import { Graph } from './graph.ts'
import { gather } from './indexing.ts'
import { linear } from './matmul.ts'
import { concat } from './shaping.ts'

const random = (dims: number[], key: string): Tensor<'f32'> =>
  f32(dims, fillNormal(new Float32Array(sizeOf(dims)), 1, stream(1, key)))

const [ROWS, IN, OUT] = [5, 320, 7]
const weight = random([OUT, IN], 'weight')
const bias = random([OUT], 'bias')
const signedSums = await sumsSignedExactly()
/**
 * Rows of very different sizes: one scale for all of them would lose the small ones. One row is
 * zero.
 */
const x = f32(
  [1, ROWS, IN],
  random([ROWS, IN], 'x').data.map((value, i) => value * 10 ** (Math.floor(i / IN) - 3) * (i < IN ? 0 : 1)),
)

async function run(
  graph: Graph,
  feeds: Record<string, Tensor>,
  options: CompileOptions,
  session: SessionOptions,
): Promise<Float32Array> {
  const opened = await openSession(compile(graph, options), { thread: 'caller', ...session })
  try {
    const { y } = await opened.run(feeds)
    return Float32Array.from(y!.data, Number)
  } finally {
    await opened.close()
  }
}

/** `x·Wᵀ + b` of a weight that is declared, and stored, as `stored`. */
function layer(stored: 'f16' | 'bf16' | undefined = undefined): Graph {
  const graph = new Graph()
  const w =
    stored === undefined
      ? graph.parameter('w', 'f32', [OUT, IN])
      : cast(graph.parameter('w', stored, [OUT, IN]), 'f32')
  graph.output('y', linear(graph.input('x', 'f32', [1, 'seq', IN]), w, graph.parameter('b', 'f32', [OUT])))
  return graph
}

/** A row with each of its blocks rotated; sums in f32. */
function rotatedRow(row: Float32Array): Float32Array {
  const block = rotationBlock(row.length)
  const { data } = rotationMatrix(block)
  return row.map((_, at) => {
    const [start, column] = [at - (at % block), at % block]
    let sum = 0
    for (let i = 0; i < block; i++) sum = Math.fround(sum + row[start + i]! * data[i * block + column]!)
    return sum
  })
}

/** The definition of an 8-bit linear layer, in double precision behind the rotation. */
function int8Linear(inputs: Tensor<'f32'>, w: Tensor<'f32'>): number[] {
  const { values, scales } = int8Rows(rotatedWeight(w))
  const halfToEven = (value: number) => {
    const floor = Math.floor(value)
    return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value)
  }
  return Array.from({ length: ROWS * OUT }, (_, at) => {
    const [row, out] = [Math.floor(at / OUT), at % OUT]
    const own = rotatedRow(inputs.data.slice(row * IN, (row + 1) * IN))
    const step = Math.fround(
      own.reduce((most, value) => Math.max(most, Math.abs(value)), 0) * Math.fround(1 / 127),
    )
    const levels = Array.from(own, (value) => (step === 0 ? 0 : halfToEven(Math.fround(value / step))))
    const sum = levels.reduce((total, level, i) => total + level * values.data[out * IN + i]!, 0)
    return sum * step * scales.data[out]! + bias.data[out]!
  })
}

describe('int8', () => {
  test('equals its definition: the sum is exact, whatever the processor', async () => {
    const y = await run(
      layer(),
      { x },
      { precision: 'int8' },
      { weights: memoryWeights({ w: weight, b: bias }) },
    )
    expect(y).toBeAllClose(int8Linear(x, weight), { rtol: 1e-6, atol: 1e-6 })
  })

  test('no sum of two products overflows: all inputs and weights at their ends', async () => {
    const ends = f32([1, ROWS, IN], new Float32Array(ROWS * IN).fill(3))
    const w = f32([OUT, IN], new Float32Array(OUT * IN).fill(-2))
    const y = await run(
      layer(),
      { x: ends },
      { precision: 'int8' },
      { weights: memoryWeights({ w, b: bias }) },
    )
    expect(y).toBeAllClose(int8Linear(ends, w), { rtol: 1e-6 })
    expect(y[0]! - bias.data[0]!).toBeCloseTo(-6 * IN, 1)
  })

  test.runIf(signedSums)('signed weights and unsigned ones give the same bytes', async () => {
    const compiled = compile(layer(), { precision: 'int8' })
    const found = locateWeights(compiled, memoryWeights({ w: weight, b: bias }))
    const results = [true, false].map(async (signedWeights) => {
      const { model, buffers } = await placeWeights(compiled, found, { memory: 'fast', signedWeights })
      const engine = await startEngine({ model, buffers, providers: ['cpu'], threads: 1, name: 'int8' })
      const { y } = await engine.run({ x }, ['y'])
      await engine.close()
      return y!.data
    })
    const [signed, unsigned] = await Promise.all(results)
    expect(signed).toEqual(unsigned)
  })

  test('comes close to f32', async () => {
    const weights = memoryWeights({ w: weight, b: bias })
    const reduced = await run(layer(), { x }, { precision: 'int8' }, { weights })
    const exact = await run(layer(), { x }, {}, { weights })
    for (let row = 1; row < ROWS; row++) {
      const off = Array.from({ length: OUT }, (_, o) => reduced[row * OUT + o]! - exact[row * OUT + o]!)
      // A step of 1/127 of a row's largest element, uniform rounding, on both sides: about 1 % of
      // the product's own spread.
      expect(Math.hypot(...off) / Math.sqrt(OUT)).toBeLessThan(0.03 * Math.sqrt(IN) * 10 ** (row - 3))
    }
  })

  test('elements that are 40 times the others do not drown the others', async () => {
    const large = [2, 70, 301]
    const rows = random([ROWS, IN], 'rows').data.map((value, at) => (large.includes(at % IN) ? 40 : value))
    // A model that has such elements reads them with small weights.
    const w = f32(
      [OUT, IN],
      weight.data.map((value, at) => (large.includes(at % IN) ? value / 40 : value)),
    )
    const [exact, reduced] = await Promise.all(
      (['f32', 'int8'] as const).map((precision) =>
        run(
          layer(),
          { x: f32([1, ROWS, IN], rows) },
          { precision },
          { weights: memoryWeights({ w, b: bias }) },
        ),
      ),
    )
    const off = exact!.map((value, i) => value - reduced![i]!)
    // 9 % where the rows are rounded as they are.
    expect(Math.hypot(...off) / Math.hypot(...exact!)).toBeLessThan(0.05)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('a row with %d gives no finite number', async (value) => {
    const broken = f32([1, ROWS, IN], x.data.slice())
    broken.data[2 * IN + 7] = value
    const weights = memoryWeights({ w: weight, b: bias })
    const y = await run(layer(), { x: broken }, { precision: 'int8' }, { weights })
    expect(Array.from({ length: ROWS }, (_, row) => Number.isFinite(y[row * OUT]))).toEqual([
      true,
      true,
      false,
      true,
      true,
    ])
  })

  test.each([IN, 32, 8, 7])('a row of %i elements does not depend on the others', async (width) => {
    const graph = new Graph()
    const input = graph.input('x', 'f32', ['batch', 'seq', width])
    graph.output('y', linear(input, graph.parameter('w', 'f32', [OUT, width])))
    const rows = random([ROWS, width], 'rows')
    const weights = memoryWeights({ w: random([OUT, width], 'own') })
    const all = await run(graph, { x: f32([1, ROWS, width], rows.data) }, { precision: 'int8' }, { weights })
    for (let row = 0; row < ROWS; row++) {
      const alone = f32([1, 1, width], rows.data.slice(row * width, (row + 1) * width))
      expect([...(await run(graph, { x: alone }, { precision: 'int8' }, { weights }))]).toEqual([
        ...all.slice(row * OUT, (row + 1) * OUT),
      ])
    }
  })

  test.each(['f16', 'bf16'] as const)('weights stored as %s, mapped from a file', async (stored) => {
    const folder = mkdtempSync(join(tmpdir(), 'bifocal-int8-'))
    vi.stubEnv('BIFOCAL_CACHE', join(folder, 'cache'))
    try {
      const bits = stored === 'f16' ? f32ToF16(weight.data) : f32ToBf16(weight.data)
      const file = join(folder, 'model.safetensors')
      writeFileSync(file, Buffer.concat([Buffer.alloc(37, 0xa5), new Uint8Array(bits.buffer)]))
      const inFile = {
        kind: 'file',
        file,
        offset: 37,
        byteLength: bits.byteLength,
        dtype: stored,
        dims: [OUT, IN],
      } as const
      const weights: WeightSource = {
        locate: (name) => (name === 'w' ? inFile : { kind: 'memory', tensor: bias }),
      }
      const y = await run(layer(stored), { x }, { precision: 'int8' }, { weights, readLimit: 0 })
      const rounded = f32([OUT, IN], stored === 'f16' ? f16ToF32(bits) : bf16ToF32(bits))
      expect(y).toBeAllClose(int8Linear(x, rounded), { rtol: 1e-6, atol: 1e-6 })
    } finally {
      vi.unstubAllEnvs()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('f16', () => {
  const half = f32ToF16(weight.data)
  const brain = f32ToBf16(weight.data)
  test.each([
    { stored: 'f32', w: weight, held: f16ToF32(half) },
    { stored: 'f16', w: tensor('f16', [OUT, IN], half), held: f16ToF32(half) },
    { stored: 'bf16', w: tensor('bf16', [OUT, IN], brain), held: bf16ToF32(brain) },
  ] as const)(
    'weights stored as $stored are held in 16 bits, as layers and as tables',
    async ({ stored, w, held }) => {
      const graph = new Graph()
      const f32Weight =
        stored === 'f32'
          ? graph.parameter('w', 'f32', [OUT, IN])
          : cast(graph.parameter('w', stored, [OUT, IN]), 'f32')
      const looked = gather(f32Weight, graph.input('ids', 'i64', ['n']))
      graph.output('y', concat([looked, linear(graph.input('x', 'f32', ['n', IN]), f32Weight)], 1))
      const rows = x.data.slice(-2 * IN)
      const y = await run(
        graph,
        { ids: i64([2], [6, 0]), x: f32([2, IN], rows) },
        { precision: 'f16' },
        { weights: memoryWeights({ w }) },
      )
      const expected = [6, 0].flatMap((id, row) => [
        ...held.slice(id * IN, (id + 1) * IN),
        ...Array.from({ length: OUT }, (_, o) => {
          let sum = 0
          for (let i = 0; i < IN; i++) sum += rows[row * IN + i]! * held[o * IN + i]!
          return sum
        }),
      ])
      expect(y).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-3 })
      expect([...y.slice(0, IN)]).toEqual([...held.slice(6 * IN)])
    },
  )
})
