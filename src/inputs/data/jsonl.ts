/** @file Items as JSON Lines: `{"id": …, "instruction": …, "text": …, "image": …}`. */

import { COLUMNS_HINT, FIELDS, namesOf, type RecordPlace, unusedNames, usedColumns } from './columns.ts'
import { ItemError } from './errors.ts'
import { numberedLines, recordIn } from './json-line.ts'
import { piecesOf } from './lines.ts'
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
  for await (const { line, content } of numberedLines(pieces, at.name)) {
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
  for await (const { content } of numberedLines(piecesOf(path), at.name)) {
    total += 1
    if (keys.complete || typeof content !== 'string') continue
    const found = recordIn(content)
    if ('record' in found) keys.add([...found.written.keys()])
  }
  keys.check()
  return { name: path, path, total, lines: () => jsonLines(piecesOf(path), at) }
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
  const found = recordIn(content)
  if ('problem' in found) return bad(found.problem, found.cause)
  const { record, written } = found
  const names = [...written.keys()]
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
      // An id keeps its digits as written: a number above 2⁵³ would be rounded.
      return field === 'id' && typeof value === 'number' ? written.get(column) : value
    },
    line,
    at,
  )
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
