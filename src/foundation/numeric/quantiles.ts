/** @file Quantiles of the normal and of Student's distribution. */

/**
 * The number below which a standard normal variable lies with probability `p`, to nine digits
 * (Acklam 2003, with one step of Halley's method on the complementary error function).
 * @param p between 0 and 1
 */
export function normalQuantile(p: number): number {
  const low = 0.02425
  if (p > 1 - low) return -normalQuantile(1 - p)
  let x: number
  if (p < low) {
    const q = Math.sqrt(-2 * Math.log(p))
    x = polynomial(TAIL, q) / (q * polynomial(TAIL_BELOW, q) + 1)
  } else {
    const q = p - 0.5
    x = (polynomial(MIDDLE, q * q) * q) / (q * q * polynomial(MIDDLE_BELOW, q * q) + 1)
  }
  const error = 0.5 * complementaryError(-x / Math.SQRT2) - p
  const step = error * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2)
  return x - step / (1 + (x * step) / 2)
}

/** Highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0)
}

const MIDDLE = [
  -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
  2.506628277459239,
]
const MIDDLE_BELOW = [
  -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1,
]
const TAIL = [
  -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
]
const TAIL_BELOW = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416]

/** 1 − erf(x), to 1.2e-7 of its value (Press et al., Numerical Recipes, §6.2). */
function complementaryError(x: number): number {
  const t = 1 / (1 + 0.5 * Math.abs(x))
  const value = t * Math.exp(-x * x + polynomial(ERROR, t))
  return x >= 0 ? value : 2 - value
}

const ERROR = [
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
  1.00002368, -1.26551223,
]

/**
 * The number below which a variable of Student's distribution lies with probability `p`: to four
 * digits or more from 2 degrees of freedom, to 2 % between 1 and 2 (Hill 1970, algorithm 396).
 * @param p       between 0 and 1
 * @param freedom degrees of freedom, at least 1, not always whole
 */
export function studentQuantile(p: number, freedom: number): number {
  if (p < 0.5) return -studentQuantile(1 - p, freedom)
  const both = 2 * (1 - p)
  if (freedom === 1) return 1 / Math.tan((both * Math.PI) / 2)
  if (freedom === 2) return Math.sqrt(2 / (both * (2 - both)) - 2)
  const a = 1 / (freedom - 0.5)
  const b = 48 / (a * a)
  let c = (((20700 * a) / b - 98) * a - 16) * a + 96.36
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * freedom
  let x = d * both
  let y = x ** (2 / freedom)
  if (y > 0.05 + a) {
    x = normalQuantile(both / 2)
    y = x * x
    if (freedom < 5) c += 0.3 * (freedom - 4.5) * (x + 0.6)
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    y = Math.expm1(a * y * y)
  } else {
    y =
      ((1 / (((freedom + 6) / (freedom * y) - 0.089 * d - 0.822) * (freedom + 2) * 3) + 0.5 / (freedom + 4)) *
        y -
        1) *
        ((freedom + 1) / (freedom + 2)) +
      1 / y
  }
  return Math.sqrt(freedom * y)
}
