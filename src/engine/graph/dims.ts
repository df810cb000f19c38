/**
 * @file Symbolic dimensions: whole numbers, or polynomials of named sizes such as `batch`,
 * `2*batch`, `image+seq`.
 */

/**
 * A number, or a polynomial in canonical spelling (terms sorted, coefficients first). Equal sizes
 * are equal strings, so `===` compares them.
 */
export type Dim = number | string

/** Monomial (`''`, `batch`, `batch*seq`) → coefficient. */
type Polynomial = Map<string, number>

function parse(dim: Dim): Polynomial {
  if (typeof dim === 'number') return dim === 0 ? new Map() : new Map([['', dim]])
  const terms: Polynomial = new Map()
  for (const term of dim.replaceAll('-', '+-').split('+')) {
    if (term === '') continue
    const factors = term.split('*')
    const first = factors[0]!
    const negative = first.startsWith('-')
    const lead = negative ? first.slice(1) : first
    const numeric = /^\d+$/.test(lead)
    const coefficient = (negative ? -1 : 1) * (numeric ? Number(lead) : 1)
    const names = numeric ? factors.slice(1) : [lead, ...factors.slice(1)]
    const monomial = names.sort().join('*')
    terms.set(monomial, (terms.get(monomial) ?? 0) + coefficient)
  }
  return terms
}

function format(terms: Polynomial): Dim {
  const present = [...terms]
    .filter(([, coefficient]) => coefficient !== 0)
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
  if (present.length === 0) return 0
  if (present.length === 1 && present[0]![0] === '') return present[0]![1]
  return present
    .map(([monomial, coefficient], i) => {
      const sign = coefficient < 0 ? '-' : i === 0 ? '' : '+'
      const size = Math.abs(coefficient)
      return sign + (monomial === '' ? size : size === 1 ? monomial : `${size}*${monomial}`)
    })
    .join('')
}

/** The sum of sizes; numbers may be negative. */
export function addDims(...dims: Dim[]): Dim {
  const sum: Polynomial = new Map()
  for (const dim of dims)
    for (const [monomial, coefficient] of parse(dim))
      sum.set(monomial, (sum.get(monomial) ?? 0) + coefficient)
  return format(sum)
}

/** The product of sizes; 1 for none. */
export function multiplyDims(...dims: Dim[]): Dim {
  let product: Polynomial = new Map([['', 1]])
  for (const dim of dims) {
    const next: Polynomial = new Map()
    for (const [a, x] of product) {
      for (const [b, y] of parse(dim)) {
        const monomial = [...a.split('*'), ...b.split('*')]
          .filter((name) => name !== '')
          .sort()
          .join('*')
        next.set(monomial, (next.get(monomial) ?? 0) + x * y)
      }
    }
    product = next
  }
  return format(product)
}

/** `dim / divisor` where it divides exactly as a polynomial by a single term, else `undefined`. */
export function divideDim(dim: Dim, divisor: Dim): Dim | undefined {
  if (dim === divisor) return 1
  const terms = [...parse(divisor)]
  if (terms.length !== 1) return undefined
  const [monomial, coefficient] = terms[0]!
  const names = monomial === '' ? [] : monomial.split('*')
  const quotient: Polynomial = new Map()
  for (const [a, x] of parse(dim)) {
    if (x % coefficient !== 0) return undefined
    const rest = a === '' ? [] : a.split('*')
    for (const name of names) {
      const at = rest.indexOf(name)
      if (at < 0) return undefined
      rest.splice(at, 1)
    }
    quotient.set(rest.join('*'), x / coefficient)
  }
  return format(quotient)
}

/**
 * The terms of a dimension: `[coefficient, names]` each. The encoder computes run-time sizes from
 * them.
 */
export function termsOf(dim: Dim): { coefficient: number; symbols: string[] }[] {
  return [...parse(dim)].map(([monomial, coefficient]) => ({
    coefficient,
    symbols: monomial === '' ? [] : monomial.split('*'),
  }))
}

/** `[batch, 2*seq, 64]` for messages. */
export function formatDims(dims: readonly Dim[]): string {
  return `[${dims.join(', ')}]`
}

/** The value of `dim` once its symbols are known. */
export function evaluateDim(dim: Dim, sizes: ReadonlyMap<string, number>): number | undefined {
  let total = 0
  for (const { coefficient, symbols } of termsOf(dim)) {
    let term = coefficient
    for (const symbol of symbols) {
      const size = sizes.get(symbol)
      if (size === undefined) return undefined
      term *= size
    }
    total += term
  }
  return total
}
