/**
 * @file The items of a source by their keys: all of them are listed first, and those of a chunk are
 * read again when they are embedded. So a list may be longer than fits into memory.
 */

import { FileError } from '../../../foundation/files/errors.ts'
import { InterruptedError, located } from '../../../foundation/numeric/errors.ts'
import { plainItem } from '../../../inputs/data/given.ts'
import { type BlankTexts, contentOf, type Item, type KeyedItem, keyItem } from '../../../inputs/data/item.ts'
import { filePicture } from '../../../inputs/data/picture.ts'
import type { ItemLine, ItemSource } from '../../../inputs/data/source.ts'
import { isItemFault } from '../embedding.ts'
import { type ItemChunk, storedChunks } from '../vectors/storing.ts'
import type { PartRow } from './files.ts'

export interface KeyOptions {
  /** For items that bring none. */
  readonly instruction?: string
  readonly blank?: BlankTexts
}

interface ListOptions extends KeyOptions {
  readonly signal?: AbortSignal
  readonly badItems?: 'throw' | 'skip'
  readonly onProgress?: (progress: { done: number; total?: number }) => void
}

/**
 * A row for each line of the source.
 * @throws InterruptedError; the error of the first bad line unless bad items are skipped
 */
export async function listRows(source: ItemSource, options: ListOptions): Promise<PartRow[]> {
  const { signal, badItems = 'throw', onProgress, blank } = options
  const rows: PartRow[] = []
  for await (const at of source.lines()) {
    if (signal?.aborted) throw new InterruptedError('reading the items', signal)
    const place = { line: at.line, ...(at.id !== undefined && { id: at.id }) }
    try {
      const { key } = await keyedAt(at, options)
      rows.push({ ...place, key, content: 'item' in at ? contentOf(at.item, blank) : '' })
    } catch (error) {
      if (!isItemFault(error)) throw error
      if (badItems === 'throw') throw 'item' in at ? located(error, `${source.name}, line ${at.line}`) : error
      rows.push({ ...place, error: { code: error.code, message: error.message, hint: error.hint } })
    }
    onProgress?.({ done: rows.length, total: source.total })
  }
  return rows
}

/** @throws as `keyItem`; the error of a line without an item */
async function keyedAt(at: ItemLine, { instruction, blank }: KeyOptions): Promise<KeyedItem> {
  if ('error' in at) throw at.error
  return await keyItem(await withoutBytes(await plainItem(at.item)), instruction, blank)
}

/** The item with pictures in files by their keys: their bytes are read when they are decoded. */
async function withoutBytes({ image, ...words }: Item): Promise<Item> {
  if (typeof image === 'string') return { ...words, image: await filePicture(image) }
  if (!Array.isArray(image)) return { ...words, image }
  const pictures: Item['image'] = await Promise.all(
    image.map(async (one) => (typeof one === 'string' ? await filePicture(one) : one)),
  )
  return { ...words, image: pictures }
}

/** Keys of the different items, in the order in which they come first. */
export function distinctKeys(rows: readonly PartRow[]): string[] {
  return [...new Set(rows.flatMap((row) => ('key' in row ? [row.key] : [])))]
}

/** A listed source, whose lines are read once more, as far as its chunks ask for them. */
export interface ListedItems {
  /** To be asked for their items in their order. */
  readonly chunks: readonly ItemChunk[]
  close(): Promise<void>
}

/**
 * @param rows of `listRows` with the same options
 * @throws FileError `file/changed`, from a chunk's `items`, where the source is another one than
 *   when it was listed; as `keyItem`
 */
export function listedItems(source: ItemSource, rows: readonly PartRow[], options: KeyOptions): ListedItems {
  const lines = each(source.lines())
  let at = 0
  const items = async (keys: readonly string[]): Promise<KeyedItem[]> => {
    const wanted = new Set(keys)
    const found: KeyedItem[] = []
    for (; wanted.size > 0; at++) {
      const row = rows[at]
      const next = await lines.next()
      if (row === undefined || next.done) throw changed(source)
      if (!('key' in row && wanted.delete(row.key))) continue
      const item = await keyedAt(next.value, options)
      if (item.key !== row.key) throw changed(source)
      found.push(item)
    }
    return found
  }
  return {
    chunks: storedChunks(distinctKeys(rows)).map((keys) => ({ keys, items: () => items(keys) })),
    async close() {
      await lines.return(undefined)
    },
  }
}

async function* each<T>(list: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* list
}

function changed({ name }: ItemSource): FileError {
  return new FileError('changed', {
    message: `${name} changed while it was read`,
    hint: 'Leave it alone while it is used, and start the command again.',
  })
}
