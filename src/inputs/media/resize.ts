/**
 * @file Resizing exactly as Pillow < 13 does it: antialiased filters, weights rounded to 22 bits,
 * horizontal pass first, 8 bits in between. The filter is part of the published models. Libraries
 * differ from it by up to tens of levels (specs/ar-vlms.md §9, §10).
 */

import { MediaError } from './errors.ts'
import { type RgbImage, type Size, sizeText } from './image.ts'

export type ResizeFilter = 'box' | 'bilinear' | 'bicubic' | 'lanczos'

interface Kernel {
  /** Half of the filter's width, in source pixels when enlarging. */
  support: number
  weight(x: number): number
}

const kernels: { readonly [F in ResizeFilter]: Kernel } = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: keys },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** Keys 1981 with a = -0.5. */
function keys(signed: number): number {
  const a = -0.5
  const x = Math.abs(signed)
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI)
}

/**
 * Which source positions make each output position of one axis, and how much each weighs in units
 * of 2^-22.
 */
interface Taps {
  readonly first: Int32Array
  readonly count: Int32Array
  /** `[output, stride]` */
  readonly weights: Int32Array
  readonly stride: number
}

const PRECISION_BITS = 22
const HALF = 1 << (PRECISION_BITS - 1)

/**
 * The filter weights from `from` to `to` positions: `Resample.c`, `precompute_coeffs` and
 * `normalize_coeffs_8bpc`.
 */
export function resizeTaps(from: number, to: number, filter: ResizeFilter): Taps {
  const { support, weight } = kernels[filter]
  const scale = from / to
  const filterScale = Math.max(scale, 1)
  const reach = support * filterScale
  const inverse = 1 / filterScale
  const stride = Math.ceil(reach) * 2 + 1
  const taps = {
    first: new Int32Array(to),
    count: new Int32Array(to),
    weights: new Int32Array(to * stride),
    stride,
  }
  const real = new Float64Array(stride)
  for (let out = 0; out < to; out++) {
    const centre = (out + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - reach + 0.5))
    const count = Math.min(from, Math.trunc(centre + reach + 0.5)) - first
    let sum = 0
    for (let i = 0; i < count; i++) {
      real[i] = weight((i + first - centre + 0.5) * inverse)
      sum += real[i]!
    }
    for (let i = 0; i < count; i++) {
      const share = (sum === 0 ? real[i]! : real[i]! / sum) * 2 ** PRECISION_BITS
      taps.weights[out * stride + i] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5)
    }
    taps.first[out] = first
    taps.count[out] = count
  }
  return taps
}

/**
 * A new picture of the given size. A pass whose size does not change is skipped, so an equal size
 * gives an equal picture.
 * @returns `[height, width, 3] u8`, bit for bit that of Pillow 2.7 to 12
 * @throws MediaError `size` when a side is not a whole number above 0
 * @see specs/ar-vlms.md §9
 */
export function resize(image: RgbImage, to: Size, filter: ResizeFilter): RgbImage {
  if (!Number.isInteger(to.width) || !Number.isInteger(to.height) || to.width < 1 || to.height < 1) {
    throw new MediaError('size', {
      message: `cannot resize a picture to ${sizeText(to)} pixels`,
      hint: 'Both sides must be whole numbers of at least 1.',
    })
  }
  const vertical = to.height === image.height ? undefined : resizeTaps(image.height, to.height, filter)
  const narrowed =
    to.width === image.width ? image : resizeRows(image, to.width, resizeTaps(image.width, to.width, filter))
  if (vertical !== undefined) return resizeColumns(narrowed, to.height, vertical)
  return narrowed === image
    ? { width: image.width, height: image.height, data: image.data.slice() }
    : narrowed
}

/** The horizontal pass, all rows. */
function resizeRows(
  { width, height, data }: RgbImage,
  to: number,
  { first, count, weights, stride }: Taps,
): RgbImage {
  const out = new Uint8ClampedArray(to * height * 3)
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < to; x++, at += 3) {
      let source = (y * width + first[x]!) * 3
      let red = HALF
      let green = HALF
      let blue = HALF
      for (let tap = x * stride, end = tap + count[x]!; tap < end; tap++, source += 3) {
        const weight = weights[tap]!
        red = (red + Math.imul(data[source]!, weight)) | 0
        green = (green + Math.imul(data[source + 1]!, weight)) | 0
        blue = (blue + Math.imul(data[source + 2]!, weight)) | 0
      }
      out[at] = red >> PRECISION_BITS
      out[at + 1] = green >> PRECISION_BITS
      out[at + 2] = blue >> PRECISION_BITS
    }
  }
  return { width: to, height, data: new Uint8Array(out.buffer) }
}

/** The vertical pass; the three channels need no telling apart. */
function resizeColumns(
  { width, data }: RgbImage,
  to: number,
  { first, count, weights, stride }: Taps,
): RgbImage {
  const row = width * 3
  const out = new Uint8ClampedArray(row * to)
  for (let y = 0, at = 0; y < to; y++) {
    const begin = y * stride
    const end = begin + count[y]!
    for (let x = 0; x < row; x++, at++) {
      let sum = HALF
      for (let tap = begin, source = first[y]! * row + x; tap < end; tap++, source += row) {
        sum = (sum + Math.imul(data[source]!, weights[tap]!)) | 0
      }
      out[at] = sum >> PRECISION_BITS
    }
  }
  return { width, height: to, data: new Uint8Array(out.buffer) }
}
