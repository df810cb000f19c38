/** @file Items as JSON Lines: `{"id": …, "instruction": …, "text": …, "image": …}`. */

import { createReadStream } from 'node:fs'
import { readFailure } from '../../checkpoint/errors.ts'
import { itemError, lineOf, type RecordPlace } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/** All lines of a text that comes in pieces; blank ones do not count. A piece may end anywhere between two characters. */
export async function* jsonLines(pieces: AsyncIterable<string>, at: RecordPlace): AsyncGenerator<ItemLine> {
  let line = 0
  for await (const content of textLines(pieces)) {
    line += 1
    if (!isBlank(content)) yield itemOf(content, line, at)
  }
}

/**
 * A file that is read while its items are used: it may be larger than memory, and than the longest string. It is read once before, to count.
 * @throws FileError `file/missing`, `file/read`
 */
export async function openJsonLines(path: string, at: RecordPlace): Promise<ItemSource> {
  let total = 0
  for await (const content of textLines(piecesOf(path))) if (!isBlank(content)) total += 1
  return { name: path, path, total, lines: () => jsonLines(piecesOf(path), at) }
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

async function* piecesOf(path: string): AsyncGenerator<string> {
  const pieces: AsyncIterable<string> = createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 20 })
  try {
    yield* pieces
  } catch (cause) {
    throw readFailure(path, cause)
  }
}

/** Not by `readline`: it also ends lines at U+2028, which JSON allows within a text. */
async function* textLines(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  /** The line that is not over: a picture within it may span many pieces. */
  let begun: string[] = []
  let first = true
  const whole = (end: string) => {
    const line = begun.length === 0 ? end : begun.join('') + end
    begun = []
    const content = first ? line.replace(BOM, '') : line
    first = false
    return content
  }
  for await (const piece of pieces) {
    const parts = piece.split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) yield whole(part)
    if (last !== '') begun.push(last)
  }
  if (begun.length > 0) yield whole('')
}
