/**
 * @file Area-average resampling of square pictures: every output pixel is the mean of the source
 * area under it.
 */

/**
 * For each output position the first source position and the weights of it and its followers;
 * weights sum to 1.
 */
function spans(from: number, to: number): { first: number; weights: number[] }[] {
  const step = from / to
  return Array.from({ length: to }, (_, i) => {
    const start = i * step
    const end = Math.min(start + step, from)
    const first = Math.floor(start + 1e-9)
    const weights: number[] = []
    for (let at = first; at < end - 1e-9; at++)
      weights.push((Math.min(at + 1, end) - Math.max(at, start)) / step)
    return { first, weights }
  })
}

/**
 * @param source `[from, from, 4]` row-major; colours must be premultiplied with alpha, else
 *   transparent pixels bleed dark fringes
 * @returns      `[to, to, 4]`, rounded to nearest
 */
export function resizeByArea(source: Uint8Array, from: number, to: number): Uint8Array {
  const parts = spans(from, to)
  const rows = new Float32Array(to * from * 4)
  parts.forEach(({ first, weights }, y) => {
    weights.forEach((weight, k) => {
      const base = (first + k) * from * 4
      for (let i = 0; i < from * 4; i++) rows[y * from * 4 + i]! += weight * source[base + i]!
    })
  })
  const out = new Uint8Array(to * to * 4)
  for (let y = 0; y < to; y++) {
    parts.forEach(({ first, weights }, x) => {
      for (let c = 0; c < 4; c++) {
        let sum = 0
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * rows[(y * from + first + k) * 4 + c]!
        out[(y * to + x) * 4 + c] = Math.round(sum)
      }
    })
  }
  return out
}

/** Straight RGBA → RGBA premultiplied with alpha, rounded to nearest; any number of pixels. */
export function premultiply(straight: Uint8Array): Uint8Array {
  const out = new Uint8Array(straight.length)
  for (let i = 0; i < out.length; i += 4) {
    const alpha = straight[i + 3]!
    for (let c = 0; c < 3; c++) out[i + c] = Math.round((straight[i + c]! * alpha) / 255)
    out[i + 3] = alpha
  }
  return out
}

/** Side of the thumbnails that `rmsDifference` compares. */
const THUMBNAIL = 16

/**
 * Box averages over white, for telling near-duplicates.
 * @param premultiplied `[side, side, 4]`
 * @returns `[16, 16, 3] f32` in 0 … 1
 */
export function thumbnail(premultiplied: Uint8Array, side: number): Float32Array {
  const small = resizeByArea(premultiplied, side, THUMBNAIL)
  const out = new Float32Array(THUMBNAIL * THUMBNAIL * 3)
  for (let i = 0; i < THUMBNAIL * THUMBNAIL; i++) {
    for (let c = 0; c < 3; c++) out[i * 3 + c] = (small[i * 4 + c]! + 255 - small[i * 4 + 3]!) / 255
  }
  return out
}

/**
 * Root mean square difference of two thumbnails; stops early and returns Infinity once it must
 * exceed `limit`.
 */
export function rmsDifference(a: Float32Array, b: Float32Array, limit = Number.POSITIVE_INFINITY): number {
  const most = limit * limit * a.length
  let sum = 0
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!
    sum += difference * difference
    if (sum > most) return Number.POSITIVE_INFINITY
  }
  return Math.sqrt(sum / a.length)
}
