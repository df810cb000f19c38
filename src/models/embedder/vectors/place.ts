/** @file Checks the place of an output file: it must not overwrite what it is made from. */

import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { EmbedderError } from '../errors.ts'

/** The files that a run reads, and must not change. */
export interface VectorSources {
  /** The file of the items, where they come from one. */
  readonly input?: string
  /** Folders of the model. */
  readonly folders: readonly string[]
}

/** Endings of the files that a run keeps beside the vectors. */
export const JOURNAL = '.journal'
export const SKIPPED = '.skipped.jsonl'

/**
 * Refuses an output file that is the input, or lies in the model's folder. Follows links: two
 * spellings of one place count as one.
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
    message: `${path} ${why}: writing vectors there would overwrite the files that they are made from`,
    hint: 'Name another output file (--out), in a folder of your own.',
  })
}

/**
 * Gives two places of a path: the path itself in its real folder, because a write replaces a link;
 * and the target of the link, because a read follows it.
 */
async function placesOf(path: string): Promise<string[]> {
  const absolute = resolve(path)
  const own = join(await realFolder(dirname(absolute)), basename(absolute))
  return [own, await realpath(absolute).catch(() => own)]
}

/** The real path of a folder. For an absent folder, it is built on the nearest one that exists. */
async function realFolder(path: string): Promise<string> {
  return await realpath(path).catch(async () =>
    dirname(path) === path ? path : join(await realFolder(dirname(path)), basename(path)),
  )
}
