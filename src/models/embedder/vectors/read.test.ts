import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { f32 } from '../../../foundation/numeric/tensor.ts'
import { writeSafetensors } from '../../checkpoint/safetensors.ts'
import { writeVectors } from './file.ts'
import { VectorFolder } from './folder.ts'
import { quantize } from './quantize.ts'
import { readVectorSet } from './read.ts'

let root: string
const at = (name: string) => join(root, name)
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'bifocal-read-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const vectors = f32([2, 3], [0.6, 0, -0.8, 0, 1, 0])

/** A .npy file as NumPy writes it: version 1, padded header. */
function npy(header: string, data: ArrayBufferView): string {
  const text = `${header.padEnd(117)}\n`
  const head = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00v\x00', 'latin1'), Buffer.from(text)])
  const path = at(`${Math.random()}.npy`)
  writeFileSync(path, Buffer.concat([head, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]))
  return path
}
const header = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`

describe('files that embed writes', () => {
  test.each(['.safetensors', '.parquet', '.jsonl', '.npy'])(
    '%s: vectors, places, ids; item 1 has none',
    async (ending) => {
      const path = at(`plain${ending}`)
      await writeVectors(path, { vectors, kept: [0, 2], ids: ['a', 'b'], items: 3 })
      const set = await readVectorSet(path)
      expect(set.vectors).toEqual(vectors)
      expect(set.indices).toEqual([0, 2])
      if (ending === '.npy') expect(set).toMatchObject({ skipped: 1 })
      else expect(set.ids).toEqual(['a', 'b'])
    },
  )

  test.each(['.safetensors', '.parquet', '.jsonl', '.npy'])(
    '%s of eight bits: the same directions',
    async (ending) => {
      const path = at(`small${ending}`)
      await writeVectors(path, { ...quantize(vectors, 'int8'), kept: [1, 2], items: 3 })
      const set = await readVectorSet(path)
      expect(set.indices).toEqual([1, 2])
      const scale = ending === '.npy' ? 127 / 0.8 : 1
      expect(Array.from(set.vectors.data.subarray(0, 3))).toBeAllClose([0.6 * scale, 0, -0.8 * scale], {
        atol: 0.005 * scale,
      })
    },
  )

  test('single bits are refused', async () => {
    await writeVectors(at('bits.safetensors'), { ...quantize(vectors, 'binary'), kept: [0, 1], items: 2 })
    await expect(readVectorSet(at('bits.safetensors'))).rejects.toMatchObject({
      code: 'embedder/vector-file',
      message: expect.stringContaining('single bits'),
    })
  })
})

describe('files of others', () => {
  test('.npy of doubles and of halves', async () => {
    const doubles = npy(header('<f8', '(2, 3)'), Float64Array.of(0.6, 0, -0.8, 0, 1, 0))
    expect((await readVectorSet(doubles)).vectors).toEqual(vectors)
    const halves = npy(header('<f2', '(1, 2)'), Uint16Array.of(0x3c00, 0xb800))
    expect(Array.from((await readVectorSet(halves)).vectors.data)).toEqual([1, -0.5])
  })

  test('.npy of either order of bytes, by rows and by columns', async () => {
    const columns = Float32Array.of(0.6, 0, 0, 1, -0.8, 0)
    expect((await readVectorSet(npy(header('<f4', '(2, 3)', 'True'), columns))).vectors).toEqual(vectors)
    const big = Buffer.from(Float64Array.from(columns).buffer).swap64()
    const swapped = npy(header('>f8', '(2, 3)', 'True'), big)
    expect((await readVectorSet(swapped)).vectors.data).toBeAllClose([0.6, 0, -0.8, 0, 1, 0], { atol: 1e-7 })
    const halves = npy(header('>f2', '(1, 2)'), Buffer.from(Uint16Array.of(0x3c00, 0xb800).buffer).swap16())
    expect(Array.from((await readVectorSet(halves)).vectors.data)).toEqual([1, -0.5])
  })

  test('safetensors: a matrix of any name; of several the one that is named', async () => {
    await writeSafetensors(at('one.safetensors'), { mine: vectors })
    expect((await readVectorSet(at('one.safetensors'))).vectors).toEqual(vectors)
    await writeSafetensors(at('two.safetensors'), { a: vectors, b: f32([1, 2], [1, 0]) })
    await expect(readVectorSet(at('two.safetensors'))).rejects.toThrow(/a, b, name one/)
    expect((await readVectorSet(at('two.safetensors'), { name: 'b' })).vectors.dims).toEqual([1, 2])
  })

  test('lines of JSON with embeddings', async () => {
    writeFileSync(at('e.jsonl'), '{"id":7,"embedding":[1,2]}\n\n{"id":8,"embedding":[3,4]}\n')
    expect(await readVectorSet(at('e.jsonl'))).toMatchObject({ ids: ['7', '8'], indices: [0, 1] })
  })
})

test('a folder of stored vectors: keys, texts, and the readout that is asked for', async () => {
  const folder = await VectorFolder.open(at('store'), { fingerprint: 'f', readouts: ['vector', 'mean'] })
  const entry = (key: string, x: number) => ({
    key,
    about: { text: `text ${key}` },
    vectors: [Float32Array.of(x, 0), Float32Array.of(0, x)],
  })
  await folder.put([entry('a', 1), entry('b', 2)])
  await folder.put([entry('b', 9), entry('c', 3)])
  const mean = await readVectorSet(at('store'), { name: 'mean' })
  expect(mean.ids?.toSorted()).toEqual(['a', 'b', 'c'])
  expect(mean.labels?.toSorted()).toEqual(['text a', 'text b', 'text c'])
  expect(mean.vectors.data[1 + 2 * mean.ids!.indexOf('c')]).toBe(3)
  expect((await readVectorSet(folder.path)).vectors.data[2 * mean.ids!.indexOf('c')]).toBe(3)
  const other = await VectorFolder.open(at('store'), { fingerprint: 'g', readouts: ['vector'] })
  await other.put([{ key: 'a', vectors: [Float32Array.of(1)] }])
  await expect(readVectorSet(at('store'))).rejects.toThrow(/2 models; name one/)
})

describe('damaged', () => {
  const cases: [string, () => string][] = [
    ['a matrix that is cut short', () => npy(header('<f4', '(3, 3)'), vectors.data)],
    ['a matrix by columns that is cut short', () => npy(header('<f4', '(3, 3)', 'True'), vectors.data)],
    ['vectors without elements', () => npy(header('<f4', '(3, 0)'), new Float32Array(0))],
    ['a double that no float holds', () => npy(header('<f8', '(1, 2)'), Float64Array.of(1, 1e300))],
    ['a list instead of a matrix', () => npy(header('<f4', '(6,)'), vectors.data)],
    ['objects', () => npy(header('|O', '(2, 3)'), vectors.data)],
    ['an infinity', () => npy(header('<f4', '(1, 2)'), Float32Array.of(1, Number.POSITIVE_INFINITY))],
    ['a NaN beside numbers', () => npy(header('<f4', '(1, 2)'), Float32Array.of(1, Number.NaN))],
    ['text', () => written('t.npy', 'no matrix at all')],
    ['rows of two widths', () => written('w.jsonl', '{"vector":[1,2]}\n{"vector":[1]}')],
    ['no numbers', () => written('n.jsonl', '{"vector":["1"]}')],
    ['an id twice', () => written('i.jsonl', '{"id":1,"vector":[1]}\n{"id":1,"vector":[2]}')],
    ['ids here and there', () => written('h.jsonl', '{"id":1,"vector":[1]}\n{"vector":[2]}')],
    ['no vectors', () => written('v.jsonl', '{"text":"a"}')],
  ]
  const written = (name: string, text: string) => {
    writeFileSync(at(name), text)
    return at(name)
  }
  test.each(cases)('%s', async (_, path) => {
    await expect(readVectorSet(path())).rejects.toMatchObject({ code: 'embedder/vector-file' })
  })
  test('an unknown ending; an absent file', async () => {
    await expect(readVectorSet(written('a.txt', ''))).rejects.toMatchObject({
      code: 'embedder/vector-format',
    })
    await expect(readVectorSet(at('absent.npy'))).rejects.toMatchObject({ code: 'file/missing' })
  })
})
