import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { graphOfUnknownOperator, handMadeGraph, productGraph } from '../../../test/onnx-graph.ts'
import { f32ToBf16, f32ToF16 } from '../../foundation/numeric/float.ts'
import { type DType, f32, i64, type Tensor, tensor } from '../../foundation/numeric/tensor.ts'
import { openSession, type SessionOptions } from './session.ts'
import { memoryWeights, type WeightSource } from './weights.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bifocal-runtime-'))
  vi.stubEnv('BIFOCAL_CACHE', join(folder, 'cache'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rows = 3
const columns = 5
const values = Float32Array.from({ length: rows * columns }, (_, i) => (i - 7) / 8)
const x = f32([2, rows], [1, 2, 3, -1, 0.5, 0])
const expected = Array.from({ length: 2 * columns }, (_, at) => {
  const [row, column] = [Math.floor(at / columns), at % columns]
  return Array.from(
    { length: rows },
    (_, k) => x.data[row * rows + k]! * values[k * columns + column]!,
  ).reduce((a, b) => a + b)
})

function weightTensor(dtype: DType): Tensor {
  if (dtype === 'bf16') return tensor('bf16', [rows, columns], f32ToBf16(values))
  if (dtype === 'f16') return tensor('f16', [rows, columns], f32ToF16(values))
  return f32([rows, columns], values)
}

/**
 * A file with `offset` bytes of noise before the weight, as after an unpadded safetensors header.
 */
function fileWeights(dtype: DType, offset: number): WeightSource {
  const { data, dims } = weightTensor(dtype)
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const file = join(folder, `${dtype}-${offset}.safetensors`)
  writeFileSync(file, Buffer.concat([Buffer.alloc(offset, 0xa5), bytes]))
  return {
    locate: (name) =>
      name === 'w' ? { kind: 'file', file, offset, byteLength: bytes.length, dtype, dims } : undefined,
  }
}

async function product(stored: DType, options: SessionOptions): Promise<Tensor> {
  const session = await openSession(productGraph(rows, columns, stored), options)
  try {
    return (await session.run({ x })).y!
  } finally {
    await session.close()
  }
}

describe('weight placement', () => {
  const dtypes: DType[] = ['f32', 'f16', 'bf16']
  const sources = [
    { way: 'read', readLimit: Number.POSITIVE_INFINITY },
    { way: 'mapped', readLimit: 0 },
  ]
  const cases = dtypes.flatMap((dtype) =>
    sources.flatMap((source) => [0, 64, 37].map((offset) => ({ dtype, ...source, offset }))),
  )
  test.each(cases)('$dtype $way at offset $offset', async ({ dtype, readLimit, offset }) => {
    const y = await product(dtype, { weights: fileWeights(dtype, offset), readLimit })
    expect(y.dims).toEqual([2, columns])
    expect(y.data).toBeAllClose(expected)
  })

  test.each(dtypes.flatMap((dtype) => (['fast', 'low'] as const).map((memory) => ({ dtype, memory }))))(
    '$dtype in memory, $memory',
    async ({ dtype, memory }) => {
      const y = await product(dtype, { weights: memoryWeights({ w: weightTensor(dtype) }), memory })
      expect(y.data).toBeAllClose(expected)
    },
  )

  test('memory low, mapped bf16', async () => {
    const y = await product('bf16', { weights: fileWeights('bf16', 37), readLimit: 0, memory: 'low' })
    expect(y.data).toBeAllClose(expected)
  })

  test('nothing is left in the cache folder once a session is open', async () => {
    await product('bf16', { weights: fileWeights('bf16', 8), readLimit: 0 })
    expect(readdirSync(join(folder, 'cache', 'mapped'))).toEqual([])
  })

  test('mapped files and arrays serve one graph', async () => {
    const graph = handMadeGraph({
      inputs: [{ name: 'x', dtype: 'f32', dims: ['batch', rows] }],
      outputs: [{ name: 'y', dtype: 'f32', dims: ['batch', columns] }],
      weights: [
        { name: 'w', dtype: 'f32', dims: [rows, columns] },
        { name: 'b', dtype: 'f32', dims: [columns] },
      ],
      nodes: [
        { opType: 'MatMul', input: ['x', 'w'], output: ['p'] },
        { opType: 'Add', input: ['p', 'b'], output: ['y'] },
      ],
    })
    const file = fileWeights('f32', 37)
    const bias = memoryWeights({ b: f32([columns], [1, 2, 3, 4, 5]) })
    const session = await openSession(graph, {
      weights: { locate: (name) => file.locate(name) ?? bias.locate(name) },
      readLimit: 0,
    })
    const { y } = await session.run({ x })
    await session.close()
    expect(y!.data).toBeAllClose(expected.map((value, i) => value + (i % columns) + 1))
  })

  test('arrays may be overwritten after the session is open', async () => {
    const w = f32([rows, columns], values.slice())
    const session = await openSession(productGraph(rows, columns), { weights: memoryWeights({ w }) })
    w.data.fill(Number.NaN)
    const { y } = await session.run({ x })
    await session.close()
    expect(y!.data).toBeAllClose(expected)
  })

  test('every missing and mis-shaped weight is listed', async () => {
    const graph = productGraph(rows, columns)
    graph.weights.push({ name: 'absent', dtype: 'f32', dims: [1] })
    const opening = openSession(graph, { weights: memoryWeights({ w: f32([columns, rows], values) }) })
    await expect(opening).rejects.toMatchObject({
      code: 'runtime/weights',
      exitCode: 3,
      message: '2 of 2 weights do not fit: w: has shape [5, 3], the graph asks for [3, 5]; absent: missing',
    })
  })
})

test.each([{ threads: 1 }, { threads: 2 }])(
  'the same thread count gives the same bytes: $threads',
  async ({ threads }) => {
    const size = 192
    const wave = (step: number) =>
      f32(
        [size, size],
        Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * step)),
      )
    const bytes = async () => {
      const session = await openSession(productGraph(size, size), {
        weights: memoryWeights({ w: wave(0.7) }),
        threads,
      })
      const runs = [await session.run({ x: wave(0.3) }), await session.run({ x: wave(0.3) })]
      await session.close()
      return runs.map(({ y }) =>
        Buffer.from(y!.data.buffer, y!.data.byteOffset, y!.data.byteLength).toString('base64'),
      )
    }
    const all = [...(await bytes()), ...(await bytes())]
    expect(new Set(all).size).toBe(1)
  },
)

describe('feeds and outputs', () => {
  const identity = handMadeGraph({
    inputs: [
      { name: 'ids', dtype: 'i64', dims: ['batch', 'seq'] },
      { name: 'keep', dtype: 'bool', dims: ['batch', 'seq'] },
      { name: 'half', dtype: 'f16', dims: ['2*batch'] },
    ],
    outputs: [
      { name: 'sameIds', dtype: 'i64', dims: ['batch', 'seq'] },
      { name: 'dropped', dtype: 'bool', dims: ['batch', 'seq'] },
      { name: 'sameHalf', dtype: 'f16', dims: ['2*batch'] },
    ],
    nodes: [
      { opType: 'Identity', input: ['ids'], output: ['sameIds'] },
      { opType: 'Not', input: ['keep'], output: ['dropped'] },
      { opType: 'Identity', input: ['half'], output: ['sameHalf'] },
    ],
  })
  const feeds = {
    ids: i64([1, 3], [5, -6, 2 ** 40]),
    keep: tensor('bool', [1, 3], Uint8Array.of(1, 0, 1)),
    half: tensor('f16', [2], Uint16Array.of(0x3c00, 0xc000)),
  }

  async function run(given: Record<string, Tensor>, outputs?: string[]) {
    const session = await openSession(identity, { weights: memoryWeights({}) })
    try {
      return await session.run(given, { outputs })
    } finally {
      await session.close()
    }
  }

  test('every element type comes back as it went in', async () => {
    const results = await run(feeds)
    expect(results).toEqual({
      sameIds: feeds.ids,
      dropped: tensor('bool', [1, 3], Uint8Array.of(0, 1, 0)),
      sameHalf: feeds.half,
    })
  })

  test('only the outputs that were asked for', async () => {
    expect(Object.keys(await run(feeds, ['dropped']))).toEqual(['dropped'])
  })

  test.each([
    ['missing', { ids: feeds.ids, half: feeds.half }, 'keep is not fed'],
    ['unknown', { ...feeds, extra: feeds.ids }, 'extra is no input of this graph'],
    ['dtype', { ...feeds, ids: f32([1, 3], [1, 2, 3]) }, 'ids is f32, the graph asks for i64'],
    ['rank', { ...feeds, ids: i64([3], [1, 2, 3]) }, 'ids has shape [3], the graph asks for [batch, seq]'],
    [
      'symbol',
      { ...feeds, keep: tensor('bool', [1, 2], Uint8Array.of(1, 0)) },
      'keep has shape [1, 2], the graph asks for [batch, seq] where seq is 3',
    ],
    [
      'polynomial',
      { ...feeds, half: tensor('f16', [3], new Uint16Array(3)) },
      'half has shape [3], the graph asks for [2*batch] where 2*batch is 2',
    ],
  ])('%s feed', async (_, given, problem) => {
    await expect(run(given)).rejects.toMatchObject({
      code: 'runtime/feeds',
      message: expect.stringContaining(problem),
    })
  })

  test('unknown output', async () => {
    await expect(run(feeds, ['logits'])).rejects.toMatchObject({
      code: 'runtime/output-name',
      message: 'no output is called logits',
    })
  })

  test('bf16 can not leave a graph', async () => {
    const graph = productGraph(rows, columns, 'bf16')
    graph.outputs.push({ name: 'w', dtype: 'bf16', dims: [rows, columns] })
    await expect(openSession(graph, { weights: memoryWeights({}) })).rejects.toMatchObject({
      code: 'runtime/dtype',
    })
  })

  test('a closed session says so', async () => {
    const session = await openSession(identity, { weights: memoryWeights({}) })
    await session.close()
    await session.close()
    await expect(session.run(feeds)).rejects.toMatchObject({ code: 'runtime/closed' })
  })

  test('an aborted signal stops a run before it starts', async () => {
    const session = await openSession(identity, { weights: memoryWeights({}) })
    await expect(session.run(feeds, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'interrupted',
    })
    await session.close()
  })

  test('a graph that the engine refuses', async () => {
    const opening = openSession(graphOfUnknownOperator, { weights: memoryWeights({}) })
    await expect(opening).rejects.toMatchObject({
      code: 'runtime/engine',
      message: expect.stringContaining('NoSuchOperator'),
    })
  })
})
