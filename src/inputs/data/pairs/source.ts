/**
 * @file Pairs to learn from, as a tuning takes them: numbered rows, each read when its batch comes.
 */

import { createHash } from 'node:crypto'
import type { Pair } from '../task.ts'
import type { DraftPair } from './draft.ts'
import { type PairFacts, pairFacts } from './facts.ts'

/** A list of pairs that need not be in memory. */
export interface PairSource {
  /** Unique within a run. */
  readonly name: string
  /** Rows that can be read: rows that are no pairs are left out already. */
  readonly rows: number
  /** Sha256, hexadecimal, of everything in the source that decides the pairs, pictures apart. */
  readonly fingerprint: string
  /**
   * Reads one pair. The same row gives the same pair.
   * @param row from 0 to before `rows`
   * @throws BifocalError `data/…`, `media/…` or `file/…` that names file, row and side: query,
   *   target, negative 1; InterruptedError
   */
  read(row: number, signal?: AbortSignal): Promise<Pair>
  /** Facts of a row that need no picture. */
  facts(row: number): PairFacts
  /**
   * The row as it is written: with its own instructions only; pictures by their absolute path, or
   * as the bytes of their files where they do not lie in files of their own. Absent where pairs
   * were never written.
   * @throws FileError
   */
  draft?(row: number): Promise<DraftPair>
  /**
   * Rows of the file that are no pairs, in its order: the first hundred, and how many there are.
   */
  readonly left: LeftOut
  /** Lets go of open files. */
  close(): Promise<void>
}

/** Rows that were left out, and negatives. */
export interface LeftOut {
  readonly rows: number
  /** Of the first rows, the reason: place, side and fault. */
  readonly reasons: readonly string[]
  /** Negatives that are equal to their target, and were dropped. */
  readonly negatives: number
}

const NOTHING: LeftOut = { rows: 0, reasons: [], negatives: 0 }

/**
 * Pairs that are in memory.
 * @example memorySource('colours', [{ query: keyed({ text: 'red' }), target: …, negatives: [] }])
 */
export function memorySource(name: string, pairs: readonly Pair[]): PairSource {
  const hash = createHash('sha256').update('memory')
  for (const { query, target, negatives, teacher } of pairs)
    hash.update(JSON.stringify([query.key, target.key, negatives.map(({ key }) => key), teacher ?? null]))
  return {
    name,
    rows: pairs.length,
    fingerprint: hash.digest('hex'),
    left: NOTHING,
    read: async (row) => pairs[row]!,
    facts: (row) => pairFacts(pairs[row]!),
    close: async () => {},
  }
}
