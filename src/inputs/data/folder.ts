/** @file Items as a folder of pictures: each file an item, called by its path in the folder. */

import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { readFailure } from '../../foundation/files/errors.ts'
import type { ItemLine } from './source.ts'

const PICTURES = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.tif', '.tiff', '.bmp'])

/**
 * Lists the pictures of a folder and of the folders below it, sorted by path. Hidden files are left
 * out. Links are followed, but no folder is entered twice: a link to a folder above it would
 * otherwise never end.
 * @throws FileError `file/read`
 */
export async function folderLines(dir: string): Promise<ItemLine[]> {
  const ids: string[] = []
  const entered = new Set<string>()
  const folders = ['']
  /**
   * Entered last, in sorted order. So a folder goes by its own path where the listing reaches it
   * without a link, and otherwise always by the same link.
   */
  const links: string[] = []
  for (let at = folders.shift(); at !== undefined; at = folders.shift() ?? links.sort().shift()) {
    const folder = join(dir, at)
    const [place, entries] = await opened(folder)
    if (entered.has(place)) continue
    entered.add(place)
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue
      const id = at === '' ? entry.name : `${at}/${entry.name}`
      if (entry.isDirectory()) folders.push(id)
      else if (entry.isSymbolicLink() && (await isFolder(join(dir, id)))) links.push(id)
      else if (PICTURES.has(extname(id).toLowerCase())) ids.push(id)
    }
  }
  return ids.sort().map((id, i) => ({ line: i + 1, id, item: { image: join(dir, id) } }))
}

/** @returns the folder's own path, and what is in it */
async function opened(folder: string): Promise<[place: string, entries: Dirent[]]> {
  try {
    return [await realpath(folder), await readdir(folder, { withFileTypes: true })]
  } catch (cause) {
    throw readFailure(folder, cause)
  }
}

/** A broken link is no folder: it becomes an item whose file is missing. */
async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
