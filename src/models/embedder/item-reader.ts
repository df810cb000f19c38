/** @file Reads the pictures of items, and says once when a file holds more than is embedded. */

import { type KeyedItem, type ReadItem, readItem } from '../../inputs/data/item.ts'

/**
 * Makes a reader of items that warns at the first picture with several frames or pages.
 * @throws from the reader: MediaError, FileError for an item's pictures
 */
export function itemReader(warn?: (message: string) => void): (item: KeyedItem) => Promise<ReadItem> {
  let said = false
  return async (keyed) => {
    const item = await readItem(keyed)
    const frames = item.pictures.find((picture) => (picture.frames ?? 1) > 1)?.frames
    if (frames !== undefined && !said) {
      said = true
      warn?.(
        `a picture has ${frames} frames or pages; of this and all such pictures only the first one is embedded`,
      )
    }
    return item
  }
}
