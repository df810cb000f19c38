/** @file Safetensors: round trips, lies of every kind, and 10,000 damaged files. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterAll, describe, expect } from 'vitest'
import { type DType, f32, sizeOf, type Tensor } from '../../foundation/numeric/tensor.ts'
import { CheckpointError } from './errors.ts'
import { loadSafetensors, openSafetensors, writeSafetensors } from './safetensors.ts'

const folder = mkdtempSync(join(tmpdir(), 'bifocal-safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const everyDtype: Record<string, Tensor> = {
  'a.f32': f32([2, 3], [1, -2, 3.5, Number.NaN, Number.POSITIVE_INFINITY, -0]),
  'b.f16': { dtype: 'f16', dims: [2], data: Uint16Array.of(0x3c00, 0x0001) },
  'c.bf16': { dtype: 'bf16', dims: [1, 1, 3], data: Uint16Array.of(0x3f80, 0xffff, 0x8000) },
  'd.i64': { dtype: 'i64', dims: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  'e.i32': { dtype: 'i32', dims: [1], data: Int32Array.of(-7) },
  'f.i8': { dtype: 'i8', dims: [3], data: Int8Array.of(-128, 0, 127) },
  'g.u8': { dtype: 'u8', dims: [1], data: Uint8Array.of(255) },
  'h.bool': { dtype: 'bool', dims: [2], data: Uint8Array.of(0, 1) },
  scalar: f32([], [4]),
  empty: f32([0, 5], []),
  '10': f32([1], [10]),
  'naïve "quoted" \n 漢字': f32([1], [7]),
}

/** A file from a header and a number of bytes behind it. */
function fileOf(header: unknown, size: number, claimed?: number): string {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + json.length + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimed ?? json.length), true)
  bytes.set(json, 8)
  const path = join(folder, 'lie.safetensors')
  writeFileSync(path, bytes)
  return path
}

const whole = (begin: number, end: number, dtype = 'F32', shape = [(end - begin) / 4]) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})

describe('round trip', () => {
  test('every dtype, a scalar, an empty tensor and odd names come back bit for bit', async () => {
    const path = join(folder, 'deep/round.safetensors')
    await writeSafetensors(path, everyDtype, { format: 'pt', b: '2' })
    const file = await openSafetensors(path)
    expect(file.metadata).toEqual({ format: 'pt', b: '2' })
    expect(Object.fromEntries(await loadSafetensors(path))).toEqual(everyDtype)
    for (const [name, value] of Object.entries(everyDtype)) expect(await file.read(name)).toEqual(value)
    for (const { offset, byteLength, dims } of file.tensors.values())
      expect(offset % Math.min(8, byteLength / sizeOf(dims) || 1)).toBe(0)
  })

  test('the order of the record does not change the bytes', async () => {
    const [one, other] = [join(folder, 'one.safetensors'), join(folder, 'other.safetensors')]
    await writeSafetensors(one, everyDtype)
    await writeSafetensors(other, Object.fromEntries(Object.entries(everyDtype).reverse()))
    expect(readFileSync(one)).toEqual(readFileSync(other))
  })

  test.prop(
    [
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.float32Array({ maxLength: 9 }), {
        noNullPrototype: true,
      }),
    ],
    {
      numRuns: 100,
    },
  )('any names and values come back', async (arrays) => {
    const path = join(folder, 'any.safetensors')
    const names = Object.keys(arrays).filter((name) => name !== '__proto__' && name !== '__metadata__')
    const tensors = Object.fromEntries(
      names.map((name) => [name, f32([arrays[name]!.length], arrays[name]!)]),
    )
    await writeSafetensors(path, tensors)
    expect(Object.fromEntries(await loadSafetensors(path))).toEqual(tensors)
  })

  test('trailing spaces in the header are fine, as is a file without tensors', async () => {
    expect(
      (await openSafetensors(fileOf(`${JSON.stringify({ a: whole(0, 4) })}     `, 4))).tensors.size,
    ).toBe(1)
    expect((await openSafetensors(fileOf({}, 0))).tensors.size).toBe(0)
  })
})

describe('lies', () => {
  test.each<[string, string, () => string]>([
    ['a header longer than the file', 'header-length', () => fileOf({}, 0, 3000)],
    ['a header of 2^63 bytes', 'header-length', () => fileOf({}, 0, 2 ** 63)],
    ['a file of 3 bytes', 'header-length', () => truncated(3)],
    ['no JSON', 'header-json', () => fileOf('{"a":', 0)],
    ['a JSON list', 'header-json', () => fileOf([], 0)],
    ['an entry without offsets', 'header-entry', () => fileOf({ a: { dtype: 'F32', shape: [1] } }, 4)],
    ['a negative dimension', 'header-entry', () => fileOf({ a: whole(0, 4, 'F32', [-1]) }, 4)],
    ['a fractional offset', 'header-entry', () => fileOf({ a: whole(0.5, 4, 'F32', [1]) }, 4)],
    ['metadata that is no text', 'header-entry', () => fileOf({ __metadata__: { a: 1 } }, 0)],
    ['an unknown dtype', 'dtype', () => fileOf({ a: whole(0, 4, 'F31') }, 4)],
    ['double precision', 'dtype', () => fileOf({ a: whole(0, 8, 'F64', [1]) }, 8)],
    ['a dtype that does not fit the range', 'tensor-range', () => fileOf({ a: whole(0, 4, 'F16') }, 4)],
    ['a shape that does not fit the range', 'tensor-range', () => fileOf({ a: whole(0, 8, 'F32', [3]) }, 8)],
    [
      'a shape whose size overflows',
      'tensor-range',
      () => fileOf({ a: whole(0, 4, 'F32', [2 ** 52, 2 ** 52, 2 ** 52]) }, 4),
    ],
    ['offsets beyond the file', 'tensor-range', () => fileOf({ a: whole(0, 400) }, 4)],
    ['offsets backwards', 'tensor-range', () => fileOf({ a: whole(4, 0, 'F32', [1]) }, 4)],
    ['overlapping tensors', 'tensor-overlap', () => fileOf({ a: whole(0, 8), b: whole(4, 12) }, 12)],
    [
      'bytes that belong to no tensor',
      'tensor-overlap',
      () => fileOf({ a: whole(0, 4), b: whole(8, 12) }, 12),
    ],
    ['bytes behind the last tensor', 'file-size', () => fileOf({ a: whole(0, 4) }, 5)],
    [
      'the same name twice',
      'duplicate-tensor',
      () => fileOf(`{"a":${JSON.stringify(whole(0, 4))},"\\u0061":${JSON.stringify(whole(0, 4))}}`, 4),
    ],
  ])('%s → checkpoint/%s', async (_, code, make) => {
    const error = await openSafetensors(make()).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(CheckpointError)
    expect(error).toMatchObject({
      code: `checkpoint/${code}`,
      exitCode: 3,
      message: expect.stringContaining('lie.safetensors'),
    })
  })

  function truncated(size: number): string {
    const path = fileOf({}, 0)
    writeFileSync(path, readFileSync(path).subarray(0, size))
    return path
  }

  test('the error for double precision says so', async () => {
    await expect(openSafetensors(fileOf({ a: whole(0, 8, 'F64', [1]) }, 8))).rejects.toMatchObject({
      hint: expect.stringContaining('double precision'),
    })
  })

  test('an absent file, a folder, a device, an absent tensor, a file that shrinks after opening', async () => {
    await expect(openSafetensors(join(folder, 'none'))).rejects.toMatchObject({
      code: 'file/missing',
      exitCode: 3,
    })
    await expect(openSafetensors(folder)).rejects.toMatchObject({ code: 'file/read' })
    if (existsSync('/dev/zero'))
      await expect(openSafetensors('/dev/zero')).rejects.toMatchObject({ code: 'file/read' })
    const path = fileOf({ a: whole(0, 40) }, 40)
    const file = await openSafetensors(path)
    await expect(file.read('b')).rejects.toMatchObject({ code: 'checkpoint/no-tensor' })
    writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size - 1))
    await expect(file.read('a')).rejects.toMatchObject({ code: 'checkpoint/truncated' })
  })
})

describe('fuzz', () => {
  const dtypes = fc.constantFrom(
    'F32',
    'F16',
    'BF16',
    'I64',
    'I32',
    'I8',
    'U8',
    'BOOL',
    'F64',
    'F8_E4M3',
    '',
    'f32',
  )
  const count = fc.oneof(
    { weight: 6, arbitrary: fc.nat(48) },
    { weight: 1, arbitrary: fc.double() },
    { weight: 1, arbitrary: fc.maxSafeInteger() },
  )
  const entry = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        dtype: dtypes,
        shape: fc.array(count, { maxLength: 4 }),
        data_offsets: fc.tuple(count, count),
      }),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  )
  const name = fc.oneof(fc.string(), fc.constantFrom('a', 'b', '__metadata__', '__proto__', 'constructor'))
  const header = fc.dictionary(name, entry, { maxKeys: 4 }).map((json) => JSON.stringify(json))
  const damage = fc.record({ at: fc.nat(), byte: fc.nat(255) })
  const valid =
    '{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}'
  const files = fc.record({
    header: fc.oneof(
      { weight: 2, arbitrary: header },
      { weight: 3, arbitrary: fc.constant(valid) },
      { weight: 1, arbitrary: fc.string() },
    ),
    size: fc.oneof(fc.constant(32), fc.nat(64)),
    damages: fc.array(damage, { maxLength: 3 }),
    cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(100) }),
  })
  let accepted = 0

  test.prop([files], { numRuns: 2_000 })(
    'a damaged file gives a CheckpointError, or tensors inside the file',
    async ({ header, size, damages, cut }) => {
      const path = fileOf(header, size)
      const bytes = readFileSync(path)
      for (const { at, byte } of damages) bytes[at % bytes.length] = byte
      const left = bytes.subarray(0, Math.max(0, bytes.length - cut))
      writeFileSync(path, left)
      try {
        for (const [name, value] of await loadSafetensors(path)) {
          expect(value.data.length, name).toBe(sizeOf(value.dims))
          expect(value.data.byteLength).toBeLessThanOrEqual(left.length)
        }
        accepted++
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError)
      }
    },
  )

  test('the fuzzer reached the reader, not only its refusals', () => {
    expect(accepted).toBeGreaterThan(100)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

test('dtypes of the table are all of the core', () => {
  const covered = new Set<DType>(Object.values(everyDtype).map(({ dtype }) => dtype))
  expect(covered.size).toBe(8)
})
