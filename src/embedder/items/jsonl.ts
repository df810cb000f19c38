/** @file Items as JSON Lines: `{"id": …, "instruction": …, "text": …, "image": …}`. */

import { createReadStream } from 'node:fs'
import { readFailure } from '../../checkpoint/errors.ts'
import { itemError, lineOf, type RecordPlace } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** All lines of a text; blank ones do not count. */
export function jsonLines(text: string, at: RecordPlace): ItemLine[] {
  return text
    .replace(BOM, '')
    .split('\n')
    .flatMap((content, i) => (isBlank(content) ? [] : [itemOf(content, i + 1, at)]))
}

/**
 * A file that is read while its items are used: it may be larger than memory, and than the longest string. It is read once before, to count.
 * @throws FileError `file/missing`, `file/read`
 */
export async function openJsonLines(path: string, at: RecordPlace): Promise<ItemSource> {
  let total = 0
  for await (const content of textLines(path)) if (!isBlank(content)) total += 1
  const lines = async function* (): AsyncGenerator<ItemLine> {
    let line = 0
    for await (const content of textLines(path)) {
      line += 1
      if (!isBlank(content)) yield itemOf(content, line, at)
    }
  }
  return { name: path, total, lines }
}

const BOM = /^\uFEFF/

function isBlank(content: string): boolean {
  return content.trim() === ''
}

function itemOf(content: string, line: number, at: RecordPlace): ItemLine {
  // Who renames columns has records of his own, with further keys.
  const strict = Object.keys(at.columns).length === 0
  try {
    return lineOf(JSON.parse(content), line, at, strict)
  } catch (cause) {
    return { line, error: itemError(at.name, line, String(cause), cause) }
  }
}

/** Lines of a UTF-8 file. Not by `readline`: it also ends lines at U+2028, which JSON allows within a text. */
async function* textLines(path: string): AsyncGenerator<string> {
  const chunks: AsyncIterable<string> = createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 20 })
  /** The line that is not over: a picture within it may span many chunks. */
  let begun: string[] = []
  let first = true
  const whole = (end: string) => {
    const line = begun.length === 0 ? end : begun.join('') + end
    begun = []
    const content = first ? line.replace(BOM, '') : line
    first = false
    return content
  }
  try {
    for await (const chunk of chunks) {
      const parts = chunk.split('\n')
      const last = parts.pop() ?? ''
      for (const part of parts) yield whole(part)
      if (last !== '') begun.push(last)
    }
  } catch (cause) {
    throw readFailure(path, cause)
  }
  if (begun.length > 0) yield whole('')
}
