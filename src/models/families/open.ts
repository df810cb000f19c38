/** @file Opens a model's checkpoint, and the second one that some families need beside it. */

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { jsonObject, readJson } from '../../foundation/files/file.ts'
import { type Checkpoint, openCheckpoint } from '../checkpoint/folder.ts'
import { locate, readTensor } from '../checkpoint/safetensors.ts'
import { HubError } from '../hub/errors.ts'
import { type ResolveOptions, resolveModel } from '../hub/resolve.ts'
import { FamilyError } from './errors.ts'
import type { Companion } from './family.ts'
import { companionOf } from './registry.ts'

export interface OpenModelOptions extends ResolveOptions {
  /**
   * Folder of the second checkpoint (MMaDA's image tokenizer); default: looked for within the
   * model's folder and beside it, else taken from the cache of the hub, or fetched.
   */
  companion?: string
}

/**
 * Opens a checkpoint folder as `openCheckpoint` does. Where the family needs a second checkpoint,
 * the two become one: its config under a key of its own, its tensors under a prefix.
 * @throws CheckpointError for either folder; FamilyError `family/no-companion`, and what the family
 *   finds wrong with it
 * @example const model = modelOf((await openModel('MMaDA-8B-Base', { companion: 'magvitv2'
 *   })).config)
 */
export async function openModel(
  dir: string,
  { companion, ...options }: OpenModelOptions = {},
): Promise<Checkpoint> {
  const own = await openCheckpoint(dir)
  const needed = companionOf(own.config)
  if (needed === undefined) return own
  const folder = companion ?? (await companionFolder(dir, needed, options))
  const second = await openCheckpoint(folder, { otherwise: needed.weights })
  await needed.check(second)
  return joined(own, second, needed)
}

/**
 * The repository of the second checkpoint that the model in a folder needs; undefined for most, and
 * for a folder without config.json.
 */
export async function companionRepository(dir: string): Promise<string | undefined> {
  const file = join(dir, 'config.json')
  return existsSync(file) ? companionOf(await readJson(file, jsonObject))?.repository : undefined
}

async function companionFolder(
  dir: string,
  { folders, repository }: Companion,
  options: ResolveOptions,
): Promise<string> {
  const places = [dir, dirname(resolve(dir))].flatMap((parent) => folders.map((name) => join(parent, name)))
  const found = places.find((place) => existsSync(join(place, 'config.json')))
  if (found !== undefined) return found
  try {
    return await resolveModel(repository, options)
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause
    throw new FamilyError('no-companion', {
      message: `${dir} needs a second checkpoint, ${repository}, which is in none of ${places.join(', ')}; from the hub: ${cause.message}`,
      hint: `Run \`bifocal pull ${repository}\`, or put its files into one of these folders. ${cause.hint}`,
      cause,
    })
  }
}

function joined(own: Checkpoint, second: Checkpoint, { configKey, prefix }: Companion): Checkpoint {
  const prefixed = [...second.tensors].map(
    ([name, at]) => [prefix + name, { ...at, name: prefix + name }] as const,
  )
  const tensors = new Map([...own.tensors, ...prefixed])
  return {
    ...own,
    config: { ...own.config, [configKey]: second.config },
    files: [...own.files, ...second.files],
    tensors,
    read: async (name) => await readTensor(locate(tensors, name, own.weights)),
  }
}
