/** @file Where vectors may be written: not over what they are made from. */

import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { EmbedderError } from '../errors.ts'

/** What a run reads, and has to leave as it is. */
export interface VectorSources {
  /** The file that the items come from, where they come from one. */
  readonly input?: string
  /** Folders of the model. */
  readonly folders: readonly string[]
}

/** Files that a run keeps beside the vectors. */
export const JOURNAL = '.journal'
export const SKIPPED = '.skipped.jsonl'

/**
 * Compares places, not spellings: links are followed.
 * @throws EmbedderError `embedder/output`
 */
export async function checkVectorPlace(out: string, { input, folders }: VectorSources): Promise<void> {
  const inputs = input === undefined ? [] : await placesOf(input)
  for (const path of [out, out + JOURNAL, out + SKIPPED]) {
    if ((await placesOf(path)).some((place) => inputs.includes(place)))
      throw refused(path, `is the file of the items, ${input}`)
  }
  const places = await placesOf(out)
  for (const folder of folders) {
    const roots = await placesOf(folder)
    if (roots.some((root) => places.some((place) => place.startsWith(root + sep))))
      throw refused(out, `lies in the model's folder ${folder}`)
  }
}

function refused(path: string, why: string): EmbedderError {
  return new EmbedderError('output', {
    message: `${path} ${why}: writing vectors there would overwrite what they are made from`,
    hint: 'Name another file with --out, in a folder of your own.',
  })
}

/**
 * A path under its own name in its real folder, and the path that it leads to where it is a link: a
 * write replaces the link, a read follows it.
 */
async function placesOf(path: string): Promise<string[]> {
  const absolute = resolve(path)
  const own = join(await realFolder(dirname(absolute)), basename(absolute))
  return [own, await realpath(absolute).catch(() => own)]
}

/** Folders that are not there yet have no real path: that of the nearest one that is. */
async function realFolder(path: string): Promise<string> {
  return await realpath(path).catch(async () =>
    dirname(path) === path ? path : join(await realFolder(dirname(path)), basename(path)),
  )
}
