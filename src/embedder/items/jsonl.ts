/** @file Items as JSON Lines: `{"id": …, "instruction": …, "text": …, "image": …}`. */

import { itemError, lineOf, type RecordPlace } from './record.ts'
import type { ItemLine } from './source.ts'

/** All lines; blank ones do not count. */
export function jsonLines(text: string, at: RecordPlace): ItemLine[] {
  // Who renames columns has records of his own, with further keys.
  const strict = Object.keys(at.columns).length === 0
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((content, i): ItemLine[] => {
      if (content.trim() === '') return []
      try {
        return [lineOf(JSON.parse(content), i + 1, at, strict)]
      } catch (cause) {
        return [{ line: i + 1, error: itemError(at.name, i + 1, String(cause), cause) }]
      }
    })
}
