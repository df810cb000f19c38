/** @file Items that a flag names: there has to be one at least. */

import type { ItemColumns } from '../embedder/items/record.ts'
import type { ItemSource } from '../embedder/items/source.ts'
import { UsageError } from '../numeric/errors.ts'

/** @throws UsageError `usage/empty-input`, and what `openItems` throws */
export async function itemsIn(path: string, columns?: ItemColumns): Promise<ItemSource> {
  const { openItems } = await import('../embedder/items/source.ts')
  return checkItems(await openItems(path, columns))
}

/** @throws UsageError `usage/empty-input` */
export function checkItems(source: ItemSource): ItemSource {
  if (source.total !== 0) return source
  throw new UsageError('empty-input', {
    message: `${source.name} has no items`,
    hint: 'Write one JSON object a line, rows under the names of the columns, or put pictures into the folder.',
  })
}
