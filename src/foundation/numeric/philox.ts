/**
 * @file Philox 4×32-10: a counter-based generator. Four words of 32 bits are a function of a
 * counter of four words and a key of two, so any draw can be repeated alone, in any order.
 * @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"
 */

const ROUNDS = 10
const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const
const WEYL = [0x9e3779b9, 0xbb67ae85] as const

/** The counter and the key are taken modulo 2³². The four words are written to `out`. */
export function philox(
  out: Uint32Array,
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): void {
  let [a, b, c, d] = [counter[0] >>> 0, counter[1] >>> 0, counter[2] >>> 0, counter[3] >>> 0]
  let [k, l] = [key[0] >>> 0, key[1] >>> 0]
  for (let round = 0; round < ROUNDS; round++) {
    const [first, second] = [high(MULTIPLIERS[0], a), high(MULTIPLIERS[1], c)]
    const [low, lower] = [Math.imul(MULTIPLIERS[0], a) >>> 0, Math.imul(MULTIPLIERS[1], c) >>> 0]
    a = (second ^ b ^ k) >>> 0
    b = lower
    c = (first ^ d ^ l) >>> 0
    d = low
    k = (k + WEYL[0]) >>> 0
    l = (l + WEYL[1]) >>> 0
  }
  out[0] = a
  out[1] = b
  out[2] = c
  out[3] = d
}

/** The upper 32 bits of a product of two words. */
function high(a: number, b: number): number {
  const [aHigh, aLow, bHigh, bLow] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff]
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16)
  return (
    aHigh * bHigh + Math.floor(middle / 0x10000) + ((((middle % 0x10000) + aLow * bHigh) / 0x10000) >>> 0)
  )
}
