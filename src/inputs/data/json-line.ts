/** @file A line of JSON: one object, whose keys are all different. */

import { isUtf8 } from 'node:buffer'
import { namesOf } from './columns.ts'
import { checkStart, encodingError } from './encoding.ts'
import { ItemError } from './errors.ts'
import { jsonMembers } from './json-members.ts'
import { byteLines, LINE_LIMIT } from './lines.ts'

/** A line that is not blank. */
export interface NumberedLine {
  /** Counted from 1. */
  readonly line: number
  /** The place of its first byte in the file, and its bytes without the line's end. */
  readonly start: number
  readonly size: number
  /** The text of the line, or why it has none. */
  readonly content: string | ItemError
}

/**
 * The lines that are not blank.
 * @throws ItemError `data/table` for a file that holds no lines of JSON
 */
export async function* numberedLines(
  pieces: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<NumberedLine> {
  let line = 0
  let first = true
  for await (const { start, bytes } of byteLines(pieces)) {
    line += 1
    const place = { line, start, size: bytes?.length ?? 0 }
    if (line === 1 && bytes !== undefined) checkStart(bytes, name)
    if (bytes === undefined) yield { ...place, content: tooLong(name, line) }
    else if (!isUtf8(bytes)) yield { ...place, content: encodingError('line', bytes, name, line) }
    else {
      const content = lineText(bytes, start)
      if (content.trim() === '') continue
      if (first) checkForm(content.trim(), name)
      first = false
      // Decoding makes no zero bytes: they stand there.
      if (content.includes('\0')) yield { ...place, content: encodingError('line', bytes, name, line) }
      else yield { ...place, content }
    }
  }
}

/** The text of a line; the mark of UTF-8 at the start of a file is left out. */
export function lineText(bytes: Uint8Array, start: number): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  return start === 0 ? text.replace(BOM, '') : text
}

const BOM = /^\uFEFF/

/** A list, or an object over several lines: every line would be an error. */
function checkForm(content: string, name: string): void {
  if (!content.startsWith('[') && content !== '{') return
  throw new ItemError('table', {
    message: `${name}: expected one JSON object a line, got ${content === '{' ? 'an object over several lines' : 'a list'}`,
    hint: 'Write each item on a line of its own; with jq: jq -c ".[]" FILE for a list, jq -c . FILE for objects.',
  })
}

function tooLong(name: string, line: number): ItemError {
  return new ItemError('line', {
    message: `${name}, line ${line}: the line is longer than ${LINE_LIMIT} bytes`,
    hint: 'Keep large pictures in files of their own, and name their paths.',
  })
}

/** The object of a line, or why there is none. */
export type LineRecord =
  | {
      readonly record: Readonly<Record<string, unknown>>
      /** Each value as it is written. */
      readonly written: ReadonlyMap<string, string>
    }
  | { readonly problem: string; readonly cause?: unknown }

/** Reads the object that a line holds. */
export function recordIn(content: string): LineRecord {
  let record: unknown
  try {
    record = JSON.parse(content)
  } catch (cause) {
    return { problem: `no JSON: ${cause instanceof Error ? cause.message : cause}`, cause }
  }
  if (!isObject(record)) return { problem: `expected an object, got ${content.trim().slice(0, 40)}` }
  const members = [...jsonMembers(content)]
  const written = new Map(members)
  const names = members.map(([key]) => key)
  const repeated = names.find((name, i) => names.length > written.size && names.indexOf(name) !== i)
  if (repeated !== undefined) return { problem: `the key ${namesOf([repeated])} stands there twice` }
  return { record, written }
}

/** Whether a value is an object with keys: no list, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
