/** @file One spelling of a JSON value, so that equal results are equal bytes. */

/**
 * Digits kept of a fraction: finer than any interval we report, coarser than the last bits that
 * differ between machines.
 */
const SIGNIFICANT_DIGITS = 6

/**
 * JSON with fractions rounded to 6 significant digits (whole numbers are kept exactly, −0 becomes
 * 0) and the key order of the value itself: parse it with its schema first.
 */
export function canonicalJson(value: unknown): string {
  return `${render(value, '')}\n`
}

function render(value: unknown, indent: string): string {
  if (typeof value === 'number') return String(rounded(value))
  if (Array.isArray(value))
    return list(
      value.map((item) => render(item, `${indent}  `)),
      '[',
      ']',
      indent,
    )
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    return list(
      entries.map(([key, item]) => `${JSON.stringify(key)}: ${render(item, `${indent}  `)}`),
      '{',
      '}',
      indent,
    )
  }
  return JSON.stringify(value)
}

/** Short lists on one line, long ones an item a line: a diff of two results stays readable. */
function list(items: string[], open: string, close: string, indent: string): string {
  const line = `${open}${items.join(', ')}${close}`
  if (line.length + indent.length <= 140 && !line.includes('\n')) return line
  return `${open}\n${items.map((item) => `${indent}  ${item}`).join(',\n')}\n${indent}${close}`
}

function rounded(value: number): number {
  return Number.isInteger(value) ? value + 0 : Number(value.toPrecision(SIGNIFICANT_DIGITS)) + 0
}
