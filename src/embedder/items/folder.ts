/** @file Items as a folder of pictures: each file an item, called by its path in the folder. */

import { readdir } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'
import { readFailure } from '../../checkpoint/errors.ts'
import type { ItemLine } from './source.ts'

const PICTURES = new Set(['.png', '.jpg', '.jpeg', '.webp'])

/**
 * All pictures, those in folders below too, sorted by path; hidden files do not count.
 * @throws FileError `file/read`
 */
export async function folderLines(dir: string): Promise<ItemLine[]> {
  const names = await readdir(dir, { recursive: true }).catch((cause: unknown) => {
    throw readFailure(dir, cause)
  })
  const ids = names.map((name) => name.split(sep).join('/')).filter((id) => PICTURES.has(extname(id).toLowerCase()) && !/(^|\/)\./.test(id))
  return ids.sort().map((id, i) => ({ line: i + 1, id, item: { image: join(dir, id) } }))
}
