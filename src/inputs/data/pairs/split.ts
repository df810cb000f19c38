/** @file A part of a source to choose settings on, told apart by what its rows say. */

import { createHash } from 'node:crypto'
import { hash53 } from './facts.ts'
import type { PairSource } from './source.ts'

export interface SplitOptions {
  /** Of the rows that go to the dev part: from 0 to 1. */
  readonly share: number
  readonly seed: number
}

/**
 * Splits a source in two by a hash of each row's query and target. A row stays on its side when
 * rows are added or moved, and equal rows are on one side. Close the source, not its parts.
 * @returns both parts, either of which may be empty
 */
export function splitPairs(
  source: PairSource,
  { share, seed }: SplitOptions,
): { train: PairSource; dev: PairSource } {
  const [train, dev]: [number[], number[]] = [[], []]
  for (let row = 0; row < source.rows; row++) {
    const place = hash53(JSON.stringify([seed, source.facts(row).share])) / 2 ** 53
    if (place < share) dev.push(row)
    else train.push(row)
  }
  const rule = JSON.stringify([source.fingerprint, share, seed])
  return {
    train: someOf(source, train, source.name, `train ${rule}`),
    dev: someOf(source, dev, `${source.name} (dev)`, `dev ${rule}`),
  }
}

/** @param rule says which rows, for the fingerprint */
function someOf(source: PairSource, rows: readonly number[], name: string, rule: string): PairSource {
  return {
    name,
    rows: rows.length,
    fingerprint: createHash('sha256').update(rule).digest('hex'),
    left: { rows: 0, reasons: [], negatives: 0 },
    read: (row, signal) => source.read(rows[row]!, signal),
    facts: (row) => source.facts(rows[row]!),
    ...(source.draft && { draft: async (row: number) => await source.draft!(rows[row]!) }),
    close: async () => {},
  }
}
