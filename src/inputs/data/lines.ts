/**
 * @file The lines of a file, as bytes: whether they are UTF-8 is checked before they become text.
 */

import { createReadStream } from 'node:fs'
import { readFailure } from '../../foundation/files/errors.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Bytes of the longest line: 64 MiB. A picture of 48 MiB fits into it as base64. A longer line is
 * surely no item, and would fill the memory.
 */
export const LINE_LIMIT = 2 ** 26

/** The bytes of a file as they are read. @throws FileError `file/missing`, `file/read` */
export async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const pieces: AsyncIterable<Uint8Array> = createReadStream(path, { highWaterMark: 2 ** 20 })
  try {
    yield* pieces
  } catch (cause) {
    throw readFailure(path, cause)
  }
}

/** A line, and where it stands. */
export interface Line {
  /** The place of its first byte among all bytes. */
  readonly start: number
  /** The line without its end; undefined for a line of more bytes than the limit. */
  readonly bytes: Uint8Array | undefined
}

/**
 * Splits pieces at `\n`, `\r\n` and `\r`. In UTF-8 no other character has these bytes, and JSON
 * allows neither of them within a text. Node's `readline` would also split at U+2028, which JSON
 * allows within a text.
 * @param limit bytes of the longest line that is kept
 */
export async function* byteLines(
  pieces: AsyncIterable<Uint8Array>,
  limit = LINE_LIMIT,
): AsyncGenerator<Line> {
  /** The line that has not ended: a picture within it may span many pieces. */
  let begun: Uint8Array[] = []
  let length = 0
  /** Whether the piece before ended with a `\r`: a `\n` that follows ends the same line. */
  let afterReturn = false
  /** Bytes of all pieces before this one. */
  let before = 0
  /** @param at the end of the line among all bytes */
  const lineWith = (part: Uint8Array, at: number): Line => {
    const size = length + part.length
    const whole = begun.length === 0 ? part : Buffer.concat([...begun, part])
    begun = []
    length = 0
    return { start: at - size, bytes: size > limit ? undefined : whole }
  }
  for await (const piece of pieces) {
    if (piece.length === 0) continue
    const [feed, carriage] = [finder(piece, LINE_FEED), finder(piece, CARRIAGE_RETURN)]
    let start = afterReturn && piece[0] === LINE_FEED ? 1 : 0
    for (let end = Math.min(feed(start), carriage(start)); end < piece.length; ) {
      yield lineWith(piece.subarray(start, end), before + end)
      start = end + 1
      if (piece[end] === CARRIAGE_RETURN && piece[start] === LINE_FEED) start += 1
      end = Math.min(feed(start), carriage(start))
    }
    afterReturn = piece.at(-1) === CARRIAGE_RETURN
    length += piece.length - start
    // A line over the limit is counted, not kept.
    if (length > limit) begun = []
    else if (start < piece.length) begun.push(piece.subarray(start))
    before += piece.length
  }
  if (length > 0) yield lineWith(new Uint8Array(0), before)
}

/** Finds a byte from a place that only grows; each part of the piece is searched once. */
function finder(piece: Uint8Array, byte: number): (from: number) => number {
  let found = -1
  return (from) => {
    if (found < from) {
      const next = piece.indexOf(byte, from)
      found = next === -1 ? piece.length : next
    }
    return found
  }
}
