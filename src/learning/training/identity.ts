/** @file The identity of a run as JSON: everything that its steps depend on; how two differ. */

import { isDeepStrictEqual } from 'node:util'

/** Settings and hashes of data by key; groups of keys may lie in each other. */
export type Identity = Readonly<Record<string, unknown>>

const LONGEST = 60
const ABSENT = 'not set'

/**
 * Lists the keys whose values differ, each with the old and the new value. Keys that are undefined
 * count as absent.
 * @example differences({ loss: { temperature: 0.02 } }, { loss: { temperature: 0.05 } })
 * // ['loss.temperature: 0.02 → 0.05']
 */
export function differences(before: unknown, now: unknown, path = ''): string[] {
  if (isDeepStrictEqual(plain(before), plain(now))) return []
  if (!(isGroup(before) && isGroup(now))) return [`${path || 'all'}: ${shown(before)} → ${shown(now)}`]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  return keys.flatMap((key) => differences(before[key], now[key], path === '' ? key : `${path}.${key}`))
}

/** The value as JSON gives it back. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

/** Whether a value has keys of its own: lists of equal length are compared item by item. */
function isGroup(value: unknown): value is Identity {
  return typeof value === 'object' && value !== null
}

function shown(value: unknown): string {
  if (value === undefined) return ABSENT
  const text = JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text
}
