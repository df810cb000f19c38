/** @file What a schema finds wrong with a file, for a message that a person reads. */

import type { z } from 'zod'
import { firstOf } from '../numeric/errors.ts'

const LONGEST = 60

/**
 * The first few problems: key, what is expected, what stands there.
 * @param error of `safeParse(json, { reportInput: true })`: without it, values are not told
 * @example 'vision_config.depth: Too small: expected number to be >=1, got 0'
 */
export function schemaProblems({ issues }: Pick<z.ZodError, 'issues'>): string {
  return firstOf(
    issues.map(({ path, message, input }) => `${path.join('.') || 'the file'}: ${message}${got(input)}`),
  )
}

/** Of an object the message says enough, and it may be the whole file. */
function got(input: unknown): string {
  if (input === undefined || (typeof input === 'object' && input !== null)) return ''
  const text = JSON.stringify(input)
  return `, got ${text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text}`
}
