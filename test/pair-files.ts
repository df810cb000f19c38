/** @file Files of pairs, for tests. */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OpenPairsOptions, openPairs } from '../src/inputs/data/pairs/open.ts'
import { dataSettings } from '../src/inputs/data/pairs/settings.ts'
import type { PairSource } from '../src/inputs/data/pairs/source.ts'
import type { Pair } from '../src/inputs/data/task.ts'

/** An empty folder. */
export const pairFolder = () => mkdtempSync(join(tmpdir(), 'bifocal-pairs-'))

/** Writes a file of rows, each an object or a line as it stands. */
export function pairFile(rows: readonly (object | string)[], dir = pairFolder()): string {
  const path = join(dir, 'pairs.jsonl')
  writeFileSync(path, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'))
  return path
}

/** Opens pairs with some settings. */
export const openFile = (path: string, settings: object = {}, options: OpenPairsOptions = {}) =>
  openPairs(dataSettings.parse({ path, ...settings }), options)

/** Reads all pairs, and closes the source. */
export async function allPairs(source: PairSource): Promise<Pair[]> {
  const pairs = await Promise.all(Array.from({ length: source.rows }, (_, row) => source.read(row)))
  await source.close()
  return pairs
}

/** The texts of a pair: query, target, negatives. */
export const pairWords = ({ query, target, negatives }: Pair) => [
  query.text,
  target.text,
  negatives.map(({ text }) => text),
]
