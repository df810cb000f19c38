/** @file `toBeAllClose`: compares arrays of numbers and names the worst element. */

import { expect } from 'vitest'

interface Tolerance {
  /** Largest allowed absolute difference; default 1e-6. */
  atol?: number
  /** Allowed difference as a share of the expected magnitude; default 0. */
  rtol?: number
}

declare module 'vitest' {
  interface Assertion<T> {
    toBeAllClose(expected: ArrayLike<number>, tolerance?: Tolerance): T
  }
}

expect.extend({
  toBeAllClose(
    received: ArrayLike<number>,
    expected: ArrayLike<number>,
    { atol = 1e-6, rtol = 0 }: Tolerance = {},
  ) {
    if (received.length !== expected.length)
      return { pass: false, message: () => `expected ${expected.length} elements, got ${received.length}` }
    let worst = -1
    let worstRatio = 1
    for (let i = 0; i < expected.length; i++) {
      const allowed = atol + rtol * Math.abs(expected[i]!)
      const ratio = Math.abs(received[i]! - expected[i]!) / allowed
      if (!(ratio <= worstRatio)) {
        worst = i
        worstRatio = ratio
      }
    }
    return {
      pass: worst < 0,
      message: () =>
        worst < 0
          ? `expected some element to differ by more than ${atol} + ${rtol} × |expected|`
          : `element ${worst}: got ${received[worst]}, expected ${expected[worst]}: ${worstRatio.toPrecision(3)} × the tolerance (atol ${atol}, rtol ${rtol})`,
    }
  },
})
