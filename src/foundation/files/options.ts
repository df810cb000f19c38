/**
 * @file Options of a library call, checked when it begins: JavaScript callers have no compiler, and
 * an option that is misspelt or of another form would be ignored.
 */

import { z } from 'zod'
import { UsageError } from '../numeric/errors.ts'
import { suggestion } from '../numeric/suggestion.ts'
import { schemaProblems } from './schema-problems.ts'

/** A schema for each option: a type error names the option that lacks one. */
export type OptionSchemas<Options> = { readonly [Name in keyof Required<Options>]: z.ZodType }

/**
 * Absent options are left to their defaults.
 * @param call for the message: `Embedder.load`
 * @param required names of options that have no default
 * @throws UsageError `usage/option` for unknown names, with a suggestion, and for other values
 */
export function checkOptions<Options extends object>(
  call: string,
  schemas: OptionSchemas<Options>,
  options: Options,
  required: readonly (keyof Options & string)[] = [],
): void {
  const given: unknown = options
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw refused(call, `expected an object of options, got ${JSON.stringify(given)}`)
  const names = Object.keys(schemas)
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue
    const meant = suggestion(name, names)
    throw refused(
      call,
      `there is no option "${name}"`,
      meant === undefined ? `Options are ${names.join(', ')}.` : `Did you mean "${meant}"?`,
    )
  }
  const shape = Object.fromEntries(
    Object.entries<z.ZodType>(schemas).map(([name, schema]) => [
      name,
      required.some((one) => one === name) ? schema : schema.optional(),
    ]),
  )
  const parsed = z.object(shape).safeParse(given, { reportInput: true })
  if (!parsed.success) throw refused(call, schemaProblems(parsed.error))
}

function refused(call: string, message: string, hint = 'See the types of its options.'): UsageError {
  return new UsageError('option', { message: `${call}: ${message}`, hint })
}

/** Options without those that are undefined, as an exact optional property wants them. */
export function given<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  for (const name in all) {
    const value = all[name]
    if (isGiven(value)) kept[name] = value
  }
  return kept
}

function isGiven<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined
}

/** Threads of one call: more than any machine's cores only wait for each other. */
export const MOST_THREADS = 256

/** A function. */
export const callback = z.custom((value) => typeof value === 'function', 'expected a function')

export const abortSignal = z.custom((value) => value instanceof AbortSignal, 'expected an AbortSignal')

/** An object that only its own room can judge. */
export const someObject = z.custom(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
)
