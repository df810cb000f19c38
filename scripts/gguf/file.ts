/**
 * @file Reads a GGUF file, version 2 or 3: settings, and tensors of four types as f32.
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */

import { readFile } from 'node:fs/promises'
import { UsageError } from '../../src/foundation/numeric/errors.ts'
import { f16ToF32 } from '../../src/foundation/numeric/float.ts'
import { f32, sizeOf, type Tensor } from '../../src/foundation/numeric/tensor.ts'

type Setting = number | boolean | string | Setting[]

export interface GgufFile {
  readonly settings: ReadonlyMap<string, Setting>
  readonly names: readonly string[]
  /** @throws UsageError `usage/arguments` for a type that is not read */
  tensor(name: string): Tensor<'f32'>
}

/** Numbers of value types in the settings, see the specification. */
const [BOOL, STRING, ARRAY] = [7, 8, 9]
const ALIGNMENT = 32

/** How a tensor type lies in memory: `size` elements in `bytes` bytes. */
interface Layout {
  size: number
  bytes: number
  /** Reads one block into `out` from `to` on. */
  read(bytes: DataView, at: number, out: Float32Array, to: number): void
}

const half = (bytes: DataView, at: number) => f16ToF32(Uint16Array.of(bytes.getUint16(at, true)))[0]!

/** By the type's number: F32, F16, Q4_1, Q8_0. */
const LAYOUTS: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [0, { size: 1, bytes: 4, read: (bytes, at, out, to) => out.set([bytes.getFloat32(at, true)], to) }],
  [1, { size: 1, bytes: 2, read: (bytes, at, out, to) => out.set([half(bytes, at)], to) }],
  [
    3,
    {
      size: 32,
      bytes: 20,
      read(bytes, at, out, to) {
        const [step, least] = [half(bytes, at), half(bytes, at + 2)]
        for (let i = 0; i < 16; i++) {
          const pair = bytes.getUint8(at + 4 + i)
          out[to + i] = (pair & 15) * step + least
          out[to + 16 + i] = (pair >> 4) * step + least
        }
      },
    },
  ],
  [
    8,
    {
      size: 32,
      bytes: 34,
      read(bytes, at, out, to) {
        const step = half(bytes, at)
        for (let i = 0; i < 32; i++) out[to + i] = bytes.getInt8(at + 2 + i) * step
      },
    },
  ],
])

/** @throws UsageError `usage/arguments` when it is no GGUF file */
export async function readGguf(path: string): Promise<GgufFile> {
  const bytes = await readFile(path)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.subarray(0, 4).toString('latin1') !== 'GGUF')
    throw new UsageError('arguments', {
      message: `${path} is no GGUF file`,
      hint: 'Its first four bytes must read GGUF.',
    })
  const reader = new Reader(view)
  reader.at = 8
  const [tensors, count] = [reader.long(), reader.long()]
  const settings = new Map<string, Setting>()
  for (let i = 0; i < count; i++) settings.set(reader.text(), reader.value(reader.word()))
  const places = new Map<string, { dims: number[]; type: number; offset: number }>()
  for (let i = 0; i < tensors; i++) {
    const name = reader.text()
    // The file lists the fastest dimension first.
    const dims = Array.from({ length: reader.word() }, () => reader.long()).reverse()
    places.set(name, { dims, type: reader.word(), offset: reader.long() })
  }
  const alignment = Number(settings.get('general.alignment') ?? ALIGNMENT)
  const start = Math.ceil(reader.at / alignment) * alignment
  return {
    settings,
    names: [...places.keys()],
    tensor(name) {
      const place = places.get(name)
      const layout = place && LAYOUTS.get(place.type)
      if (layout === undefined)
        throw new UsageError('arguments', {
          message: `${path}: ${name} ${place ? `has the type ${place.type}` : 'is absent'}`,
          hint: 'Give a Llama whose tensors are F32, F16, Q4_1 or Q8_0.',
        })
      const out = new Float32Array(sizeOf(place!.dims))
      for (let block = 0; block * layout.size < out.length; block++)
        layout.read(view, start + place!.offset + block * layout.bytes, out, block * layout.size)
      return f32(place!.dims, out)
    },
  }
}

/** Reads values one after the other, all little-endian. */
class Reader {
  at = 0
  readonly #view: DataView

  constructor(view: DataView) {
    this.#view = view
  }

  word(): number {
    this.at += 4
    return this.#view.getUint32(this.at - 4, true)
  }

  long(): number {
    this.at += 8
    return Number(this.#view.getBigUint64(this.at - 8, true))
  }

  text(): string {
    const length = this.long()
    const start = this.#view.byteOffset + this.at
    this.at += length
    return new TextDecoder().decode(new Uint8Array(this.#view.buffer, start, length))
  }

  value(type: number): Setting {
    if (type === STRING) return this.text()
    if (type === ARRAY) {
      const of = this.word()
      return Array.from({ length: this.long() }, () => this.value(of))
    }
    const [size, read] = this.#numberOf(type)
    const value = read(this.at)
    this.at += size
    return type === BOOL ? value !== 0 : value
  }

  /** Bytes and reader of a number type. */
  #numberOf(type: number): [size: number, read: (at: number) => number] {
    const view = this.#view
    const types: [number, (at: number) => number][] = [
      [1, (at) => view.getUint8(at)],
      [1, (at) => view.getInt8(at)],
      [2, (at) => view.getUint16(at, true)],
      [2, (at) => view.getInt16(at, true)],
      [4, (at) => view.getUint32(at, true)],
      [4, (at) => view.getInt32(at, true)],
      [4, (at) => view.getFloat32(at, true)],
      [1, (at) => view.getUint8(at)],
      [0, () => 0],
      [0, () => 0],
      [8, (at) => Number(view.getBigUint64(at, true))],
      [8, (at) => Number(view.getBigInt64(at, true))],
      [8, (at) => view.getFloat64(at, true)],
    ]
    const found = types[type]
    if (found !== undefined) return found
    throw new UsageError('arguments', {
      message: `a setting has the unknown type ${type}`,
      hint: 'Is the file whole, and of version 2 or 3?',
    })
  }
}
