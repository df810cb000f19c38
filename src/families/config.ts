/** @file Reading config.json of any family: one error for all that is wrong, and the published defaults that files leave out. */

import { z } from 'zod'
import { ACTIVATIONS } from '../nn/index.ts'
import { FamilyError } from './errors.ts'

/**
 * Parses a config, or a part of it.
 * @param where what to call it in the error: `llava config`
 * @throws FamilyError `family/config` listing every key that is missing or of a wrong form
 */
export function parseConfigWith<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`)
  throw new FamilyError('config', {
    message: `${where}: ${problems.join('; ')}`,
    hint: 'Take config.json as it was published beside the weights.',
    cause: parsed.error,
  })
}

/** A size or count. */
export const whole = z.int().min(1).max(1_000_000)
/** One of the activations that towers and decoders use. */
export const activation = z.enum(ACTIVATIONS)

/** A key with its published default: absent and `null` mean the same. */
export function withDefault<T>(schema: z.ZodType<T>, value: T): z.ZodType<T, T | null | undefined> {
  return z.preprocess((given) => given ?? value, schema)
}
