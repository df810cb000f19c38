/**
 * @file Nested settings, checked with messages that a person can act on: the place that a setting
 * came from, the keys that there are, the one that was meant.
 */

import { z } from 'zod'
import { firstOf } from '../numeric/errors.ts'
import { suggestion } from '../numeric/suggestion.ts'

/** `['loss', 'temperature']`, `['data', 0, 'path']`. */
export type SettingPath = readonly PropertyKey[]

type Issue = z.core.$ZodIssue

/** The outcome of a check: the settings with defaults filled in, or problems in words. */
export type CheckedSettings<T> =
  | { settings: T }
  | {
      problems: string
      hint: string
      /** Keys that have no default and were not given. */
      missing: readonly string[]
    }

/**
 * @param where names the place that a key came from: `tune.yaml, line 4`, `--rank`; undefined for
 *   the key alone
 */
export function checkSettings<T>(
  schema: z.ZodType<T>,
  given: unknown,
  where: (path: SettingPath) => string | undefined = () => undefined,
): CheckedSettings<T> {
  const parsed = schema.safeParse(given, { reportInput: true })
  if (parsed.success) return { settings: parsed.data }
  const found = parsed.error.issues.map(likeliest).flatMap((issue) => problemsOf(schema, issue))
  const hints = [...new Set(found.flatMap(({ hint }) => (hint === undefined ? [] : [hint])))]
  return {
    problems: firstOf(
      found.map(({ path, words }) => {
        const place = where(path)
        return place === undefined ? words : `${place}: ${words}`
      }),
      4,
    ),
    hint: hints[0] ?? 'docs/tuning.md has every key with its type and meaning.',
    missing: found.flatMap(({ path, isMissing }) => (isMissing ? [keyName(path)] : [])),
  }
}

interface Problem {
  path: SettingPath
  words: string
  hint?: string
  isMissing?: boolean
}

function problemsOf(schema: z.ZodType, issue: Issue): Problem[] {
  if (issue.code !== 'unrecognized_keys') {
    const key = keyName(issue.path)
    if (issue.code === 'invalid_type' && issue.input === undefined)
      return [{ path: issue.path, words: `${key} is missing`, isMissing: true }]
    return [{ path: issue.path, words: `${key}${key === '' ? '' : ': '}${issue.message}${got(issue)}` }]
  }
  const known = keysAt(schema, issue.path)
  return issue.keys.map((key) => {
    const path = [...issue.path, key]
    const meant = suggestion(key, known)
    return {
      path,
      words: `there is no key ${keyName(path)}`,
      hint:
        meant === undefined
          ? `Keys ${issue.path.length === 0 ? 'are' : `of ${keyName(issue.path)} are`} ${known.join(', ')}.`
          : `Did you mean "${keyName([...issue.path, meant])}"?`,
    }
  })
}

/**
 * Of a value that may have several forms, the complaint of the form that it comes nearest to: the
 * one that it breaks deepest inside.
 */
function likeliest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue
  const forms = issue.errors.map((issues) => issues.map(likeliest))
  const depth = (issues: readonly Issue[]) =>
    Math.max(...issues.map(({ path, code }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)))
  const deepest = forms.reduce((best, form) => (depth(form) > depth(best) ? form : best))
  const [first] = deepest
  if (first !== undefined && depth(deepest) > 0) return { ...first, path: [...issue.path, ...first.path] }
  const words = forms.flatMap((form) => form.map(({ message }) => message.replace(/^Invalid \w+: /, '')))
  return { ...issue, message: [...new Set(words)].join(', or ') }
}

/** @example keyName(['data', 0, 'path']) // 'data[0].path' */
export function keyName(path: SettingPath): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`))
    .join('')
}

/** The value in words. Objects and lists are left out. */
function got({ input }: Issue): string {
  if (input === undefined || (typeof input === 'object' && input !== null)) return ''
  const text = JSON.stringify(input) ?? ''
  return `, got ${text.length > 60 ? `${text.slice(0, 60)} …` : text}`
}

/** The keys that a schema knows at a place, of all forms that the value may have. */
export function keysAt(schema: z.ZodType, path: SettingPath): string[] {
  const forms = formsOf(schema)
  const [part, ...rest] = path
  if (part === undefined)
    return [...new Set(forms.flatMap((form) => (form instanceof z.ZodObject ? Object.keys(form.shape) : [])))]
  const inner = forms.flatMap((form): z.ZodType[] => {
    if (form instanceof z.ZodArray && typeof part === 'number') return typesIn(form.element)
    return form instanceof z.ZodObject ? typesIn(form.shape[String(part)]) : []
  })
  return [...new Set(inner.flatMap((each) => keysAt(each, rest)))]
}

/** A schema without the wrappers of defaults, and each member of a union. */
function formsOf(schema: z.ZodType): z.ZodType[] {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  )
    return typesIn(schema.def.innerType).flatMap(formsOf)
  if (schema instanceof z.ZodPipe)
    return [...typesIn(schema.def.in), ...typesIn(schema.def.out)].flatMap(formsOf)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(typesIn).flatMap(formsOf)
  return [schema]
}

/** zod's inner types are of its core; those of this project are all of its classic interface. */
function typesIn(type: unknown): z.ZodType[] {
  return type instanceof z.ZodType ? [type] : []
}
