/**
 * @file The cache folder in the layout that Python's huggingface_hub shares; a data set's folder
 * begins with `datasets--`:
 *
 *     models--org--name/refs/main                → the commit
 *     models--org--name/snapshots/COMMIT/FILE    → relative link to ../../blobs/DIGEST
 *     models--org--name/blobs/DIGEST             the bytes; DIGEST.incomplete while they come
 *     models--org--name/.no_exist/COMMIT/FILE    empty: the repository is known to lack the file
 *     datasets--org--name/ranges/DIGEST/BLOCK    ranges of a file that was not fetched whole
 *     .locks/models--org--name/DIGEST…           held while a blob comes
 *
 * @see https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */

import { existsSync } from 'node:fs'
import { copyFile, link, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { systemCode, writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, writeFileAtomic } from '../../foundation/files/file.ts'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { isCommit, type Repository } from './repository.ts'
import { COMPANIONS, onlyWeights } from './selection.ts'

/** The folders of one repository in the cache. */
export interface CachedRepository {
  folder: string
  locks: string
}

/** A cached commit. */
export interface Snapshot {
  commit: string
  folder: string
  /** Whether a model can be opened from it. */
  usable: boolean
  /** Whether it has each file of the repository that a model could need. */
  complete: boolean
}

export function cachedRepository(cache: string, { id, kind }: Repository): CachedRepository {
  const name = `${kind === undefined ? 'models' : 'datasets'}--${id.replaceAll('/', '--')}`
  return { folder: join(cache, name), locks: join(cache, '.locks', name) }
}

export function snapshotFolder({ folder }: CachedRepository, commit: string): string {
  return join(folder, 'snapshots', commit)
}

export function blobPath({ folder }: CachedRepository, digest: string): string {
  return join(folder, 'blobs', digest)
}

/** The snapshot of a repository at a revision that the cache holds; undefined for none. */
export async function cachedSnapshot(
  at: CachedRepository,
  { revision }: Repository,
): Promise<Snapshot | undefined> {
  const commit = isCommit(revision) ? revision : await referenced(at, revision)
  if (commit === undefined) return undefined
  const folder = snapshotFolder(at, commit)
  const names = await readdir(folder).catch(() => undefined)
  if (names === undefined) return undefined
  const usable = await opens(folder, names)
  const known = (name: string) => existsSync(join(folder, name)) || existsSync(absencePath(at, commit, name))
  return { commit, folder, usable, complete: usable && COMPANIONS.every(known) }
}

async function referenced({ folder }: CachedRepository, revision: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '')
  return isCommit(text.trim()) ? text.trim() : undefined
}

/** A snapshot without these files of a checkpoint may be an adapter's. */
const CHECKPOINT = ['checkpoint/no-config', 'checkpoint/no-weights']

/**
 * Whether a folder is a checkpoint with all its shards, or an adapter.
 * @param names of the files in the folder
 */
async function opens(folder: string, names: readonly string[]): Promise<boolean> {
  try {
    await openCheckpoint(folder, { otherwise: onlyWeights(names) })
    return true
  } catch (error) {
    if (!(error instanceof BifocalError)) throw error
    return CHECKPOINT.includes(error.code) && names.includes('adapter_model.safetensors')
  }
}

/** Notes the commit of a branch or tag. */
export async function writeReference(at: CachedRepository, revision: string, commit: string): Promise<void> {
  if (isCommit(revision) || (await referenced(at, revision)) === commit) return
  await writeFileAtomic(join(at.folder, 'refs', revision), commit)
}

/** Notes files that a repository lacks. Where the cache cannot be written, it notes nothing. */
export async function noteAbsent(
  at: CachedRepository,
  commit: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const path = absencePath(at, commit, name)
    await makeFolder(dirname(path))
      .then(() => writeFile(path, '', { flag: 'a' }))
      .catch(() => {})
  }
}

function absencePath({ folder }: CachedRepository, commit: string, name: string): string {
  return join(folder, '.no_exist', commit, name)
}

/** Whether `path`, or the target of a link there, is a file of the expected size. */
export async function holds(path: string, size: number): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile() && found.size === size,
    () => false,
  )
}

/**
 * Gives a blob its name in a snapshot, by a relative link, so that the cache can be moved. Where
 * the system makes no symbolic link, it makes a hard link or a copy.
 * @throws FileError `file/write`, `file/disk-full`
 */
export async function linkBlob(
  at: CachedRepository,
  commit: string,
  name: string,
  digest: string,
): Promise<void> {
  const pointer = join(snapshotFolder(at, commit), name)
  const blob = blobPath(at, digest)
  try {
    await makeFolder(dirname(pointer))
    await rm(pointer, { force: true })
    await symlink(relative(dirname(pointer), blob), pointer).catch((cause: unknown) => {
      if (systemCode(cause) === 'EEXIST') return undefined
      return link(blob, pointer).catch(() => copyFile(blob, pointer))
    })
  } catch (cause) {
    throw writeFailure(pointer, cause)
  }
}
