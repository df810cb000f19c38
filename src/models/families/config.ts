/**
 * @file Reading config.json of any family: one error for all that is wrong, and the published
 * defaults that files leave out.
 */

import { z } from 'zod'
import { ACTIVATIONS } from '../../engine/nn/activation.ts'
import { schemaProblems } from '../../foundation/files/schema-problems.ts'
import { FamilyError } from './errors.ts'

/**
 * Parses a config, or a part of it.
 * @param where what to call it in the error: `llava config`
 * @throws FamilyError `family/config` naming the keys that are missing or of a wrong form
 */
export function parseConfigWith<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const parsed = schema.safeParse(json, { reportInput: true })
  if (parsed.success) return parsed.data
  throw new FamilyError('config', {
    message: `${where}: ${schemaProblems(parsed.error)}`,
    hint: 'Take config.json as it was published beside the weights.',
    cause: parsed.error,
  })
}

/** A size or count. */
export const whole = z.int().min(1).max(1_000_000)
/**
 * How many layers; the longest published model has 126. A graph of many more takes minutes to build
 * before the first weight is missed.
 */
export const layerCount = z.int().min(1).max(1000)
/** One of the activations that towers and decoders use. */
export const activation = z.enum(ACTIVATIONS)

/** A key with its published default: absent and `null` mean the same. */
export function withDefault<T>(schema: z.ZodType<T>, value: T): z.ZodType<T, T | null | undefined> {
  return z.preprocess((given) => given ?? value, schema)
}
