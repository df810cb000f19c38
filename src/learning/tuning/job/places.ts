/**
 * @file The folders of a tuning. While it runs, everything lies in `OUT.work`. The finished folder
 * is made whole in `OUT.work.new`, then gets its name; so `OUT` is never half written.
 */

import { existsSync } from 'node:fs'
import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { writeFailure } from '../../../foundation/files/errors.ts'
import { makeFolder } from '../../../foundation/files/file.ts'
import { TuningError } from '../errors.ts'
import { RECORD, readTuningRecord } from './record.ts'
import type { TuningRecord } from './record-form.ts'

export interface Places {
  /** The embedder folder. */
  readonly out: string
  /** Snapshots, the log, the rows of a frozen tower. */
  readonly work: string
  /** Where the finished folder is made: beside `out`, so that relative paths in it are right. */
  readonly draft: string
}

export function placesOf(out: string): Places {
  // A slash at the end would put them inside.
  const path = resolve(out)
  return { out: path, work: `${path}.work`, draft: `${path}.work.new` }
}

/**
 * Looks whether a tuning may write here.
 * @returns the record of a tuning that was finished here before
 * @throws TuningError `tuning/out` for a folder with other files; FileError `file/write`,
 *   `file/schema`
 */
export async function claimed({ out }: Places): Promise<TuningRecord | undefined> {
  await makeFolder(dirname(out)).catch((cause: unknown) => {
    throw writeFailure(dirname(out), cause)
  })
  if (!existsSync(out)) return undefined
  const names = await readdir(out).catch((cause: unknown) => {
    throw writeFailure(out, cause)
  })
  if (names.includes(RECORD)) return await readTuningRecord(join(out, RECORD))
  await requireEmpty(out)
  return undefined
}

/** @throws TuningError `tuning/out` for a folder that has files */
export async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => [])
  if (names.length === 0) return
  throw new TuningError('out', {
    message: `${folder} has files already, and they are not of a tuning`,
    hint: 'Name a new folder with --out.',
  })
}

/** Gives the draft its name, and removes the work. @throws FileError `file/write` */
export async function publish(places: Places): Promise<void> {
  const { out, draft } = places
  try {
    // An empty folder that was there before is in the way.
    if (existsSync(out)) await rmdir(out)
    await rename(draft, out)
  } catch (cause) {
    throw writeFailure(out, cause)
  }
  await clear(places)
}

/** Removes what a finished tuning leaves beside its folder. */
export async function clear({ work, draft }: Pick<Places, 'work' | 'draft'>): Promise<void> {
  for (const folder of [draft, work]) await rm(folder, { recursive: true, force: true })
}

const SNAPSHOT = /^step-(\d+)\.safetensors$/

/** Updates that a run before has saved; 0 where there is none. */
export async function savedUpdates({ work }: Pick<Places, 'work'>): Promise<number> {
  const names = await readdir(join(work, 'snapshots')).catch((): string[] => [])
  return Math.max(0, ...names.map((name) => Number(SNAPSHOT.exec(name)?.[1] ?? 0)))
}
