/** @file The pairs of a source as numbers: which query and which target each row has. */

import { createHash } from 'node:crypto'
import type { KeyedItem } from '../../inputs/data/item.ts'

/** Items by number, from 0, in the order in which they were first seen. */
export interface Numbered {
  readonly keys: readonly string[]
  /** The row where each was first seen. */
  readonly rows: readonly number[]
}

/** One row. */
export interface TableRow {
  /** Its number in the source. */
  readonly row: number
  readonly query: number
  readonly target: number
}

/** Holds keys and numbers; no text, no picture. */
export class PairTable {
  readonly #queries = new Numbers()
  readonly #targets = new Numbers()
  readonly #rows: TableRow[] = []
  /** Content without instruction → a number. */
  readonly #contents = new Map<string, number>()
  readonly #contentOfQuery: number[] = []
  /** For each content the targets that have it. */
  readonly #targetsOf: number[][] = []
  /** For each query its own targets' contents. */
  readonly #ownContents: Set<number>[] = []

  /** @returns the items that were not seen before */
  add(row: number, query: KeyedItem, target: KeyedItem): KeyedItem[] {
    const [asked, found] = [this.#queries.add(query.key, row), this.#targets.add(target.key, row)]
    const content = this.#content(target)
    if (found.fresh) this.#targetsOf[content]!.push(found.number)
    if (asked.fresh) {
      this.#contentOfQuery.push(this.#content(query))
      this.#ownContents.push(new Set())
    }
    this.#ownContents[asked.number]!.add(content)
    this.#rows.push({ row, query: asked.number, target: found.number })
    return [...(asked.fresh ? [query] : []), ...(found.fresh ? [target] : [])]
  }

  get rows(): readonly TableRow[] {
    return this.#rows
  }

  get queries(): Numbered {
    return this.#queries
  }

  get targets(): Numbered {
    return this.#targets
  }

  /**
   * Targets that are no wrong answers to a query: those of all its rows, and all that show the same
   * as one of these or as the query itself, whatever their instruction.
   */
  right(query: number): number[] {
    const contents = new Set([...this.#ownContents[query]!, this.#contentOfQuery[query]!])
    return [...contents].flatMap((content) => this.#targetsOf[content]!)
  }

  #content({ text, image }: KeyedItem): number {
    const words = JSON.stringify([text ?? null, image?.map(({ key }) => key) ?? []])
    const hash = createHash('sha256').update(words).digest('base64')
    const known = this.#contents.get(hash)
    if (known !== undefined) return known
    this.#targetsOf.push([])
    this.#contents.set(hash, this.#contents.size)
    return this.#contents.size - 1
  }
}

class Numbers implements Numbered {
  readonly keys: string[] = []
  readonly rows: number[] = []
  readonly #numbers = new Map<string, number>()

  add(key: string, row: number): { number: number; fresh: boolean } {
    const known = this.#numbers.get(key)
    if (known !== undefined) return { number: known, fresh: false }
    this.#numbers.set(key, this.keys.length)
    this.keys.push(key)
    this.rows.push(row)
    return { number: this.keys.length - 1, fresh: true }
  }
}
