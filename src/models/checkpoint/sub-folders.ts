/** @file Looks one level down for what a folder lacks, so that an error can name the right folder. */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** How many sub-folders a hint names. */
const LISTED = 4

/**
 * Sub-folders that hold a file of this name, for a hint: `out/vision, out/text`. Links to folders
 * count.
 * @returns undefined where there are none
 */
export async function subFoldersWith(dir: string, file: string): Promise<string | undefined> {
  const names = await readdir(dir).catch((): string[] => [])
  const found = names
    .sort()
    .map((name) => join(dir, name))
    .filter((folder) => existsSync(join(folder, file)))
  if (found.length === 0) return undefined
  const more = found.length > LISTED ? ` and ${found.length - LISTED} more` : ''
  return found.slice(0, LISTED).join(', ') + more
}
