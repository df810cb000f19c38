/** @file Turns the findings of a schema into words for a message. */

import type { z } from 'zod'
import { firstOf } from '../numeric/errors.ts'

const LONGEST = 60

/**
 * Lists the first few problems: the key, the expected form, the value.
 * @param error of `safeParse(json, { reportInput: true })`; without that option it holds no values
 * @example 'vision_config.depth: Too small: expected number to be >=1, got 0'
 */
export function schemaProblems({ issues }: Pick<z.ZodError, 'issues'>): string {
  return firstOf(
    issues.map(({ path, message, input }) => `${path.join('.') || 'the file'}: ${message}${got(input)}`),
  )
}

/** The value in words. Objects are left out: one may be the whole file. */
function got(input: unknown): string {
  if (input === undefined || (typeof input === 'object' && input !== null)) return ''
  const text = JSON.stringify(input)
  return `, got ${text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text}`
}
