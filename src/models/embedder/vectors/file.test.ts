import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { loadSafetensors } from '../../checkpoint/safetensors.ts'
import { indices } from '../batching.ts'
import { type VectorRows, vectorLines, writeVectors } from './file.ts'
import { quantize } from './quantize.ts'

let root: string
const at = (name: string) => join(root, name)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-vectors-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const vectors = f32(
  [2, 10],
  [0.5, -0.25, 0, 0.1, 0.2, 0.3, -0.1, 0.7, 0, 0.01, -1, -0.5, 0.004, 0, 0, 0, 0, 0, 0, 0.002],
)

describe('quantize', () => {
  test('int8 keeps the largest element at 127 and restores the vector by its scale', () => {
    const { vectors: bytes, scales } = quantize(vectors, 'int8')
    expect(Array.from(bytes.data, Number)).toEqual([
      91, -45, 0, 18, 36, 54, -18, 127, 0, 2, -127, -63, 1, 0, 0, 0, 0, 0, 0, 0,
    ])
    expect(scales!.data).toBeAllClose([0.7 / 127, 1 / 127], { atol: 1e-9 })
    const restored = Array.from(bytes.data, (value, i) => Number(value) * scales!.data[i < 10 ? 0 : 1]!)
    expect(restored).toBeAllClose(vectors.data, { atol: 1 / 254 + 1e-6 })
  })

  test('binary packs signs as numpy.packbits(v > 0, axis=-1)', () => {
    // np.packbits(np.array(…) > 0, axis=-1) → [[157, 64], [32, 64]]
    expect(quantize(vectors, 'binary').vectors).toEqual({
      dtype: 'u8',
      dims: [2, 2],
      data: Uint8Array.of(157, 64, 32, 64),
    })
  })

  test('a vector of zeros stays one', () => {
    expect(quantize(f32([1, 2], [0, 0]), 'int8')).toEqual({
      vectors: { dtype: 'i8', dims: [1, 2], data: new Int8Array(2) },
      scales: f32([1], [0]),
    })
  })
})

describe.each([undefined, 'int8', 'binary'] as const)('quantized as %s', (kind) => {
  const rows: VectorRows = { ...quantize(vectors, kind), kept: [1, 3], ids: ['a.png', 'ü.png'], items: 4 }
  const width = rows.vectors.dims[1]!
  const row = (index: number) =>
    Array.from(rows.vectors.data.subarray(index * width, (index + 1) * width), Number)

  test('safetensors has vectors, whose they are, scales and names', async () => {
    await writeVectors(at('a.safetensors'), rows, { contract: '{}' })
    const read = await loadSafetensors(at('a.safetensors'))
    expect(read.get('vectors')).toEqual(rows.vectors)
    expect(Array.from(read.get('items')!.data, Number)).toEqual([1, 3])
    expect(read.get('scales')).toEqual(rows.scales)
    const header = readFileSync(at('a.safetensors'))
    expect(header.subarray(8, 8 + Number(header.readBigUInt64LE())).toString()).toContain(
      '"ids":"[\\"a.png\\",\\"ü.png\\"]"',
    )
  })

  test('.npy has a row for every item: NaN, or 0, for a skipped one', async () => {
    await writeVectors(at('a.npy'), rows)
    const bytes = readFileSync(at('a.npy'))
    const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString()
    const descr = kind === undefined ? '<f4' : kind === 'int8' ? '|i1' : '|u1'
    expect(header).toBe(
      `{'descr': '${descr}', 'fortran_order': False, 'shape': (4, ${width}), }`
        .padEnd(header.length - 1)
        .concat('\n'),
    )
    expect((10 + header.length) % 64).toBe(0)
    const body = new Uint8Array(bytes.subarray(10 + header.length))
    const values = Array.from(
      kind === undefined
        ? new Float32Array(body.buffer)
        : kind === 'int8'
          ? new Int8Array(body.buffer)
          : body,
    )
    const blank = new Array<number>(width).fill(kind === undefined ? Number.NaN : 0)
    expect(values).toEqual([...blank, ...row(0), ...blank, ...row(1)])
  })

  test('Parquet has index, id, scale and vector', async () => {
    await writeVectors(at('a.parquet'), rows, { contract: '{"a":1}' })
    const file = await asyncBufferFromFile(at('a.parquet'))
    const scale = (index: number) => (rows.scales === undefined ? {} : { scale: rows.scales.data[index] })
    expect(await parquetReadObjects({ file })).toEqual([
      { index: 1, id: 'a.png', ...scale(0), vector: row(0) },
      { index: 3, id: 'ü.png', ...scale(1), vector: row(1) },
    ])
    expect((await parquetMetadataAsync(file)).key_value_metadata).toContainEqual({
      key: 'contract',
      value: '{"a":1}',
    })
  })

  test('JSON lines say the same', async () => {
    await writeVectors(at('a.jsonl'), rows)
    const lines = readFileSync(at('a.jsonl'), 'utf8').trimEnd().split('\n')
    expect(lines).toEqual([...vectorLines(rows)])
    expect(JSON.parse(lines[1]!)).toEqual({
      index: 3,
      id: 'ü.png',
      scale: rows.scales?.data[1],
      vector: row(1),
    })
  })
})

test('Parquet of several row groups', async () => {
  const count = 9000
  const many = f32(
    [count, 2],
    Float32Array.from({ length: 2 * count }, (_, i) => i),
  )
  await writeVectors(at('many.parquet'), { vectors: many, kept: indices(count), items: count })
  const file = await asyncBufferFromFile(at('many.parquet'))
  expect((await parquetMetadataAsync(file)).row_groups.length).toBeGreaterThan(1)
  expect(await parquetReadObjects({ file })).toEqual(
    indices(count).map((index) => ({ index, vector: [2 * index, 2 * index + 1] })),
  )
})

test('names that no reader would take are refused', async () => {
  const rows: VectorRows = { vectors: f32([1, 1], [1]), kept: [0], ids: ['"'.repeat(25_000_000)], items: 1 }
  const refused = writeVectors(at('long.safetensors'), rows)
  await expect(refused).rejects.toMatchObject({
    code: 'embedder/long-ids',
    hint: expect.stringContaining('long.safetensors.journal'),
  })
})

test('no rows at all can be written in every form', async () => {
  const none: VectorRows = { vectors: f32([0, 0], []), kept: [], items: 2 }
  for (const ending of ['safetensors', 'npy', 'parquet', 'jsonl'])
    await writeVectors(at(`none.${ending}`), none)
  expect(await parquetReadObjects({ file: await asyncBufferFromFile(at('none.parquet')) })).toEqual([])
})
