/** @file Items as JSON Lines: `{"id": …, "instruction": …, "text": …, "image": …}`. */

import { isUtf8 } from 'node:buffer'
import { COLUMNS_HINT, FIELDS, namesOf, type RecordPlace, unusedNames, usedColumns } from './columns.ts'
import { checkStart, encodingError } from './encoding.ts'
import { ItemError } from './errors.ts'
import { jsonMembers } from './json-members.ts'
import { byteLines, LINE_LIMIT, piecesOf } from './lines.ts'
import { lineError, lineOf } from './record.ts'
import type { ItemLine, ItemSource } from './source.ts'

/**
 * Reads lines of JSON from pieces of UTF-8. Blank lines do not count. A piece may end anywhere.
 * @throws ItemError `data/table` for JSON that is not one object a line; `data/columns` at the end,
 *   for a named key that no line has
 */
export async function* jsonLines(
  pieces: AsyncIterable<Uint8Array>,
  at: RecordPlace,
): AsyncGenerator<ItemLine> {
  const keys = new KeysSeen(at)
  const warnUnused = unusedNames(at)
  for await (const { line, content } of numbered(pieces, at.name)) {
    if (content instanceof ItemError) yield { line, error: content }
    else yield itemOf(content, line, at, { keys, warnUnused })
  }
  keys.check()
}

/**
 * Opens a file of JSON lines. It is read while its items are used, so it may be larger than memory.
 * It is read once before that, to count, and to find the keys that were named.
 * @throws FileError `file/missing`, `file/read`; ItemError `data/table`, `data/columns`
 */
export async function openJsonLines(path: string, at: RecordPlace): Promise<ItemSource> {
  let total = 0
  const keys = new KeysSeen(at)
  for await (const { content } of numbered(piecesOf(path), at.name)) {
    total += 1
    if (!keys.complete && typeof content === 'string') keys.add(Object.keys(objectOf(content) ?? {}))
  }
  keys.check()
  return { name: path, path, total, lines: () => jsonLines(piecesOf(path), at) }
}

interface NumberedLine {
  /** Counted from 1. */
  line: number
  /** The text of the line, or why it has none. */
  content: string | ItemError
}

/** The lines that are not blank. */
async function* numbered(pieces: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<NumberedLine> {
  let line = 0
  let first = true
  for await (const bytes of byteLines(pieces)) {
    line += 1
    if (line === 1 && bytes !== undefined) checkStart(bytes, name)
    if (bytes === undefined) yield { line, content: tooLong(name, line) }
    else if (!isUtf8(bytes)) yield { line, content: encodingError('line', bytes, name, line) }
    else {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
      const content = line === 1 ? text.replace(BOM, '') : text
      if (content.trim() === '') continue
      if (first) checkForm(content.trim(), name)
      first = false
      // Decoding makes no zero bytes: they stand there.
      if (content.includes('\0')) yield { line, content: encodingError('line', bytes, name, line) }
      else yield { line, content }
    }
  }
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

interface Reading {
  keys: KeysSeen
  warnUnused: ReturnType<typeof unusedNames>
}

function itemOf(content: string, line: number, at: RecordPlace, { keys, warnUnused }: Reading): ItemLine {
  const bad = (why: string, cause?: unknown): ItemLine => ({
    line,
    error: lineError(at.name, line, why, cause),
  })
  let record: unknown
  try {
    record = JSON.parse(content)
  } catch (cause) {
    return bad(`no JSON: ${cause instanceof Error ? cause.message : cause}`, cause)
  }
  if (!isObject(record)) return bad(`expected an object, got ${content.trim().slice(0, 40)}`)
  const members = [...jsonMembers(content)]
  const written = new Map(members)
  const names = members.map(([key]) => key)
  const repeated = names.find((name, i) => names.length > written.size && names.indexOf(name) !== i)
  if (repeated !== undefined) return bad(`the key ${namesOf([repeated])} stands there twice`)
  keys.add(names)
  warnUnused(names, 'key')
  const used = usedColumns(at.columns)
  if (!used.some(([field, column]) => field !== 'id' && names.includes(column))) {
    const wanted = used.flatMap(([field, column]) => (field === 'id' ? [] : column))
    return bad(`none of the keys ${namesOf(wanted)}; its keys are ${namesOf(names)}`)
  }
  return lineOf(
    (field, column) => {
      const value = Object.hasOwn(record, column) ? record[column] : undefined
      // As it stands: digits above 2⁵³ would be rounded.
      return field === 'id' && typeof value === 'number' ? written.get(column) : value
    },
    line,
    at,
  )
}

function objectOf(content: string): Record<string, unknown> | undefined {
  try {
    const record: unknown = JSON.parse(content)
    return isObject(record) ? record : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Named keys that no line has had yet: a misspelt one would leave its field out of every item. */
class KeysSeen {
  readonly #at: RecordPlace
  readonly #missing: Set<string>
  readonly #seen = new Set<string>()

  constructor(at: RecordPlace) {
    this.#at = at
    this.#missing = new Set(FIELDS.flatMap((field) => at.columns[field] ?? []))
  }

  get complete(): boolean {
    return this.#missing.size === 0
  }

  add(names: readonly string[]): void {
    if (this.complete) return
    for (const name of names) {
      this.#missing.delete(name)
      if (this.#seen.size < MOST_SEEN) this.#seen.add(name)
    }
  }

  /** Says nothing where no line has any key. @throws ItemError `data/columns` */
  check(): void {
    if (this.complete || this.#seen.size === 0) return
    throw new ItemError('columns', {
      message: `${this.#at.name}: no line has the key ${namesOf([...this.#missing])}; the keys are ${namesOf([...this.#seen])}`,
      hint: COLUMNS_HINT,
    })
  }
}

/** Names kept for the message. */
const MOST_SEEN = 100
