/**
 * @file Makes a folder with a model file and hard links to its weights, which the engine needs
 * while it maps them.
 */

import { constants } from 'node:fs'
import {
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { BifocalError } from '../../foundation/numeric/errors.ts'
import { RuntimeError } from './errors.ts'

/**
 * Milliseconds, one day, after which the folder of a process that died while it opened a session is
 * removed.
 */
const LEFTOVER_AGE = 86_400_000

/** Bytes, or a function that makes them when they are written. */
export type StagedBytes = Uint8Array | (() => Promise<Uint8Array>)

export interface StagedContents {
  /** Files to bring here: path → name in the folder. */
  files: ReadonlyMap<string, string>
  /** Files to write here, one after the other, by name in the folder. */
  contents: ReadonlyMap<string, StagedBytes>
}

export interface StagedFolder {
  folder: string
  remove(): Promise<void>
}

/** bifocal's own cache: `BIFOCAL_CACHE`, else `~/.cache/bifocal`. */
function cacheFolder(): string {
  return process.env.BIFOCAL_CACHE || join(homedir(), '.cache', 'bifocal')
}

/**
 * Writes `contents`, and brings `files` beside them by hard link. Where the file system refuses, it
 * makes a reflink, else a copy, which stays in the cache for the next time.
 * @throws RuntimeError `runtime/staging` when the cache folder can't be written
 */
export async function stageFolder(
  { files, contents }: StagedContents,
  warn: (message: string) => void = () => {},
): Promise<StagedFolder> {
  const root = join(cacheFolder(), 'mapped')
  let folder = root
  try {
    await mkdir(root, { recursive: true })
    await removeLeftovers(root)
    folder = await mkdtemp(join(root, 'session-'))
    for (const [file, name] of files) await bring(await realpath(file), join(folder, name), warn)
    for (const [name, bytes] of contents)
      await writeFile(join(folder, name), typeof bytes === 'function' ? await bytes() : bytes)
  } catch (cause) {
    if (folder !== root) await rm(folder, { recursive: true, force: true })
    if (cause instanceof BifocalError) throw cause
    throw new RuntimeError('staging', {
      message: `the weights can't be mapped by way of ${root}: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Set BIFOCAL_CACHE to a writable folder on the disk that holds the model.',
      cause,
    })
  }
  // Windows does not remove a mapped file; a later run removes the folder after a day.
  return { folder, remove: () => rm(folder, { recursive: true, force: true }).catch(() => {}) }
}

async function bring(file: string, target: string, warn: (message: string) => void): Promise<void> {
  const linked = await tried(link(file, target))
  if (linked) return
  if (await tried(copyFile(file, target, constants.COPYFILE_FICLONE_FORCE))) return
  const { size, mtimeMs, ino } = await stat(file)
  const copies = join(cacheFolder(), 'copies')
  const kept = join(copies, `${ino}-${size}-${Math.round(mtimeMs)}.safetensors`)
  await mkdir(copies, { recursive: true })
  if (!(await tried(stat(kept)))) {
    warn(
      `${file} can't be linked into ${copies}, so it is copied there once; BIFOCAL_CACHE on the model's own disk avoids the copy`,
    )
    const partial = `${kept}.${process.pid}.partial`
    try {
      await copyFile(file, partial)
      await rename(partial, kept)
    } finally {
      await rm(partial, { force: true })
    }
  }
  await link(kept, target)
}

async function tried(attempt: Promise<unknown>): Promise<boolean> {
  return attempt.then(
    () => true,
    () => false,
  )
}

async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const folder = join(root, name)
    const age = await stat(folder).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > LEFTOVER_AGE) await rm(folder, { recursive: true, force: true }).catch(() => {})
  }
}
