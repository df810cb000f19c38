/** @file Items of a file, all read, for tests of readers. */

import type { ItemColumns } from '../src/inputs/data/columns.ts'
import { type ItemLine, type OpenOptions, openItems } from '../src/inputs/data/source.ts'

/** A file of test/fixtures/tables. */
export const table = (name: string) => new URL(`./fixtures/tables/${name}`, import.meta.url).pathname

/** All lines of a file. */
export async function linesOf(
  path: string,
  columns?: ItemColumns,
  options?: OpenOptions,
): Promise<ItemLine[]> {
  const lines: ItemLine[] = []
  for await (const line of (await openItems(path, columns, options)).lines()) lines.push(line)
  return lines
}

/** Of each line the id, or what is wrong with it. */
export function idsOf(lines: readonly ItemLine[]): (string | undefined)[] {
  return lines.map((line) => ('error' in line ? line.error.message : line.id))
}
