/** @file Looks one level down for what a folder lacks, so that a hint can name the right folder. */

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export const ADAPTER_CONFIG = 'adapter_config.json'

/** How many sub-folders a hint names. */
const LISTED = 4

/**
 * A hint for a folder that is no checkpoint: what it holds instead, or which of its sub-folders
 * hold a model or an adapter. Undefined where there is nothing to say.
 */
export async function modelNearby(dir: string): Promise<string | undefined> {
  if (existsSync(join(dir, ADAPTER_CONFIG)))
    return 'It holds an adapter that names no base model: give the folder of the base model, and this one with --adapter.'
  const models = await subFoldersWith(dir, 'config.json')
  return models === undefined
    ? await adapterNearby(dir)
    : `Give the folder that holds config.json: ${models}.`
}

/** A hint for a folder that is no adapter; undefined where no sub-folder holds one. */
export async function adapterNearby(dir: string): Promise<string | undefined> {
  const found = await subFoldersWith(dir, ADAPTER_CONFIG)
  return found === undefined
    ? undefined
    : `PEFT saves an adapter that has a name in a sub-folder of that name. Give the adapter's own folder: ${found}.`
}

/** Links to folders count. */
async function subFoldersWith(dir: string, file: string): Promise<string | undefined> {
  const names = await readdir(dir).catch((): string[] => [])
  const found = names
    .sort()
    .map((name) => join(dir, name))
    .filter((folder) => existsSync(join(folder, file)))
  if (found.length === 0) return undefined
  const more = found.length > LISTED ? ` and ${found.length - LISTED} more` : ''
  return found.slice(0, LISTED).join(', ') + more
}
