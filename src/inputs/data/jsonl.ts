/** @file Items as JSON Lines: `{"id": …, "instruction": …, "text": …, "image": …}`. */

import { isUtf8 } from 'node:buffer'
import { byteLines, piecesOf } from './lines.ts'
import { encodingError, itemError, lineOf, type RecordPlace } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/**
 * All lines of a text that comes in pieces of UTF-8; blank ones do not count. A piece may end
 * anywhere.
 */
export async function* jsonLines(
  pieces: AsyncIterable<Uint8Array>,
  at: RecordPlace,
): AsyncGenerator<ItemLine> {
  let line = 0
  for await (const bytes of byteLines(pieces)) {
    line += 1
    const content = textOf(bytes)
    if (content === undefined) yield { line, error: encodingError('line', at.name, line) }
    else if (!isBlank(content)) yield itemOf(line === 1 ? content.replace(BOM, '') : content, line, at)
  }
}

/**
 * A file that is read while its items are used: it may be larger than memory, and than the longest
 * string. It is read once before, to count.
 * @throws FileError `file/missing`, `file/read`
 */
export async function openJsonLines(path: string, at: RecordPlace): Promise<ItemSource> {
  let total = 0
  for await (const bytes of byteLines(piecesOf(path))) if (!isBlank(textOf(bytes))) total += 1
  return { name: path, path, total, lines: () => jsonLines(piecesOf(path), at) }
}

const BOM = /^\uFEFF/

/**
 * Undefined for what is no UTF-8: decoding would put U+FFFD in the place of letters without a word.
 */
function textOf(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString() : undefined
}

function isBlank(content: string | undefined): boolean {
  return content?.trim() === ''
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
