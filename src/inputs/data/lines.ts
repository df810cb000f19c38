/**
 * @file The lines of a file, as bytes: whether they are UTF-8 is to be seen before they become
 * text.
 */

import { createReadStream } from 'node:fs'
import { readFailure } from '../../foundation/files/errors.ts'

const LINE_BREAK = 0x0a

/** The bytes of a file as they are read. @throws FileError `file/missing`, `file/read` */
export async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const pieces: AsyncIterable<Uint8Array> = createReadStream(path, { highWaterMark: 2 ** 20 })
  try {
    yield* pieces
  } catch (cause) {
    throw readFailure(path, cause)
  }
}

/**
 * Lines without their ends. No character of UTF-8 but the line break has its byte. Not by
 * `readline`: it also ends lines at U+2028, which JSON allows within a text.
 */
export async function* byteLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  /** The line that is not over: a picture within it may span many pieces. */
  let begun: Uint8Array[] = []
  for await (const piece of pieces) {
    let start = 0
    for (let end = piece.indexOf(LINE_BREAK); end !== -1; end = piece.indexOf(LINE_BREAK, start)) {
      const part = piece.subarray(start, end)
      yield begun.length === 0 ? part : Buffer.concat([...begun, part])
      begun = []
      start = end + 1
    }
    if (start < piece.length) begun.push(piece.subarray(start))
  }
  if (begun.length > 0) yield Buffer.concat(begun)
}
