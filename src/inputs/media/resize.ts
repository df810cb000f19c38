/**
 * @file Resizing exactly as Pillow 12.3 does it: antialiased filters, weights rounded to 22 bits,
 * horizontal pass first (but for very tall pictures), 8 bits in between. The filter is part of the
 * published models. Libraries differ from it by up to tens of levels (specs/ar-vlms.md §9, §10).
 */

import { MediaError } from './errors.ts'
import { checkArea, type RgbImage, type Size, sizeText } from './image.ts'

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
 * For each output position of one axis: the source positions that it is made of, and the weight of
 * each in units of 2^-22.
 */
interface Taps {
  readonly first: Int32Array
  readonly count: Int32Array
  /** `[output, stride]`, zero behind the last position of each output. */
  readonly weights: Int32Array
  readonly stride: number
}

const PRECISION_BITS = 22
const HALF = 1 << (PRECISION_BITS - 1)
/**
 * Positions that are added at a time: enough for a bicubic enlargement. One loop over five rows
 * takes a third of the time of five weights in a loop for each element.
 */
const GROUP = 5

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
  const longest = Math.ceil(reach) * 2 + 1
  const stride = Math.ceil(longest / GROUP) * GROUP
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
 * gives an equal picture. Memory is bounded by the two pictures.
 * @returns `[height, width, 3] u8`, bit for bit that of Pillow 12.3
 * @throws MediaError `size` when a side is not a whole number above 0, `aspect` when the result is
 *   larger than any picture that a model takes
 * @see specs/ar-vlms.md §9
 */
export function resize(image: RgbImage, to: Size, filter: ResizeFilter): RgbImage {
  if (!Number.isInteger(to.width) || !Number.isInteger(to.height) || to.width < 1 || to.height < 1) {
    throw new MediaError('size', {
      message: `cannot resize a picture to ${sizeText(to)} pixels`,
      hint: 'Both sides must be whole numbers of at least 1.',
    })
  }
  checkArea(to, image)
  const rows = to.width === image.width ? undefined : resizeTaps(image.width, to.width, filter)
  const columns = to.height === image.height ? undefined : resizeTaps(image.height, to.height, filter)
  // Pillow has this rule since 12.3; older ones always begin with the rows.
  const isTall = image.height > 100 * image.width && to.height < image.height
  if (isTall && rows !== undefined && columns !== undefined)
    return resizePasses(resizePasses(image, to.height, undefined, columns), to.height, rows, undefined)
  return resizePasses(image, to.height, rows, columns)
}

/**
 * Both passes in one go: the rows that an output row needs are narrowed when they are needed, and
 * kept in a ring of as many rows as one output row can need.
 * @param rows    the horizontal pass; undefined leaves the width as it is
 * @param columns the vertical pass; undefined leaves the height as it is
 */
function resizePasses(
  image: RgbImage,
  height: number,
  rows: Taps | undefined,
  columns: Taps | undefined,
): RgbImage {
  const width = rows === undefined ? image.width : rows.first.length
  const length = width * 3
  const out = new Uint8ClampedArray(length * height)
  if (columns === undefined) {
    for (let y = 0; y < height; y++) narrowRow(image, y, rows, out.subarray(y * length, (y + 1) * length))
    return { width, height, data: new Uint8Array(out.buffer) }
  }
  const { first, count, weights, stride } = columns
  const isWhole = rows === undefined
  const size = Math.min(stride, image.height)
  const ring = isWhole ? image.data : new Uint8ClampedArray(length * size)
  // Places beyond the last one have no weight.
  const places = new Int32Array(stride)
  const sums = new Int32Array(length)
  let next = 0
  for (let y = 0, at = 0; y < height; y++) {
    const [begin, taps] = [first[y]!, count[y]!]
    for (next = Math.max(next, begin); !isWhole && next < begin + taps; next++) {
      const place = (next % size) * length
      narrowRow(image, next, rows, ring.subarray(place, place + length))
    }
    for (let tap = 0; tap < taps; tap++) places[tap] = (isWhole ? begin + tap : (begin + tap) % size) * length
    sums.fill(HALF)
    for (let tap = 0; tap < taps; tap += GROUP)
      addRows(sums, ring, places.subarray(tap, tap + GROUP), weights.subarray(y * stride + tap))
    for (let x = 0; x < length; x++, at++) out[at] = sums[x]! >> PRECISION_BITS
  }
  return { width, height, data: new Uint8Array(out.buffer) }
}

/** Adds a group of rows, which begin at `places`, each times its weight. */
function addRows(
  sums: Int32Array,
  rows: Uint8Array | Uint8ClampedArray,
  places: Int32Array,
  weights: Int32Array,
): void {
  const [a, b, c, d, e] = [places[0]!, places[1]!, places[2]!, places[3]!, places[4]!]
  const [p, q, r, s, t] = [weights[0]!, weights[1]!, weights[2]!, weights[3]!, weights[4]!]
  for (let x = 0; x < sums.length; x++) {
    const sum = Math.imul(rows[a + x]!, p) + Math.imul(rows[b + x]!, q) + Math.imul(rows[c + x]!, r)
    sums[x] = (sums[x]! + sum + Math.imul(rows[d + x]!, s) + Math.imul(rows[e + x]!, t)) | 0
  }
}

/** One row of the horizontal pass. */
function narrowRow(
  { width, data }: RgbImage,
  y: number,
  taps: Taps | undefined,
  out: Uint8Array | Uint8ClampedArray,
): void {
  const start = y * width * 3
  if (taps === undefined) {
    out.set(data.subarray(start, start + width * 3))
    return
  }
  const { first, count, weights, stride } = taps
  for (let x = 0, at = 0; x < first.length; x++, at += 3) {
    let source = start + first[x]! * 3
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
