/**
 * @file Seeded randomness: the same numbers on every platform. Nothing in bifocal calls
 * `Math.random`.
 */

/** A stream of uniform numbers in [0, 1). */
export type Random = () => number

/**
 * mulberry32: exact in 32-bit integers, so equal on every platform.
 * @see specs/embedded-data.md §9
 */
export function mulberry32(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const utf8 = new TextEncoder()

/** 32-bit FNV-1a of the UTF-8 bytes of `text`. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of utf8.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

/**
 * A stream that depends only on its keys: `stream(seed, 'tower', step)`. Counter-based, so a
 * resumed run draws the same numbers.
 * @example const random = stream(7, 'scenes', 41); random()
 */
export function stream(...keys: (string | number)[]): Random {
  return mulberry32(fnv1a32(keys.join('\u0000')))
}

/** Fisher–Yates from the end, in place. */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = (random() * (i + 1)) | 0
    const held = items[i]!
    items[i] = items[j]!
    items[j] = held
  }
  return items
}

/** A whole number in [0, n). */
export function below(n: number, random: Random): number {
  return (random() * n) | 0
}

/** One of `items`, each equally likely. `items` must not be empty. */
export function pick<T>(items: readonly T[], random: Random): T {
  return items[below(items.length, random)]!
}

/**
 * Fills `out` with normal numbers of the given standard deviation (Box–Muller, computed in f64).
 */
export function fillNormal(out: Float32Array, std: number, random: Random): Float32Array {
  for (let i = 0; i < out.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random())) * std
    const angle = 2 * Math.PI * random()
    out[i] = radius * Math.cos(angle)
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle)
  }
  return out
}
