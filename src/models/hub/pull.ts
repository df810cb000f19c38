/** @file Downloads the files of a model from the hub into the cache. */

import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder } from '../../foundation/files/file.ts'
import {
  blobPath,
  type CachedRepository,
  cachedRepository,
  holds,
  linkBlob,
  noteAbsent,
  snapshotFolder,
  writeReference,
} from './cache.ts'
import { HubError } from './errors.ts'
import { describe, type ListedFile, listFiles, type RemoteFile } from './listing.ts'
import { withLock } from './lock.ts'
import { parallel } from './parallel.ts'
import type { DownloadProgress } from './progress.ts'
import { type Repository, repositoryName, requireRepository } from './repository.ts'
import { COMPANIONS, selectFiles } from './selection.ts'
import { type HubSettings, hubSettings } from './settings.ts'
import { type TransferOptions, transfer, unfinishedBytes } from './transfer.ts'

export interface DownloadOptions {
  signal?: AbortSignal
  onProgress?: (progress: DownloadProgress) => void
  /** Settings that replace those of the environment. */
  settings?: Partial<HubSettings>
}

export interface PullOptions extends DownloadOptions {
  /** Patterns of files to fetch instead of those that a model needs; `*` crosses folders. */
  include?: readonly string[]
}

export interface PulledFile {
  name: string
  /** Bytes. */
  size: number
  /** False for a file that was in the cache. */
  fetched: boolean
}

export interface Pulled {
  repository: string
  commit: string
  /** The snapshot: a checkpoint folder whose files are links into the cache. */
  folder: string
  files: PulledFile[]
}

/** Files at a time: enough to hide the time between two files, few enough for the hub. */
const AT_ONCE = 4

/**
 * Brings a model into the cache, or up to date there. Files that are there are not fetched again.
 * When all files are there, the function notes the commit of the revision.
 * @param name `org/name`, `org/name@revision`
 * @throws HubError; FileError `file/disk-full`, `file/write`; InterruptedError, parts are kept
 * @example const { folder } = await pullModel('HuggingFaceTB/SmolVLM-256M-Instruct')
 */
export async function pullModel(
  name: string,
  { signal, onProgress, include, settings: given }: PullOptions = {},
): Promise<Pulled> {
  const wanted = requireRepository(name)
  const settings = { ...(await hubSettings()), ...given }
  if (settings.offline) {
    throw new HubError('offline', {
      message: `${name} can't be fetched: HF_HUB_OFFLINE forbids the network`,
      hint: 'Unset HF_HUB_OFFLINE, or name a model that is in the cache or a folder.',
    })
  }
  const listing = await listFiles(wanted, { settings, signal })
  const names = listing.files.map((file) => file.name)
  const chosen = new Set(selectFiles(wanted.id, names, include))
  const listed = listing.files.filter((file) => chosen.has(file.name))
  const pulled = await pullFiles(
    listed,
    { wanted, commit: listing.commit },
    { signal, settings, ...(onProgress && { onProgress }) },
  )
  await noteAbsent(
    cachedRepository(settings.cache, wanted),
    listing.commit,
    COMPANIONS.filter((companion) => !names.includes(companion)),
  )
  return pulled
}

/**
 * Brings files into the cache. Those that are there are not fetched again.
 * @param listed of the list that the hub gave for this commit
 * @throws as `pullModel`
 */
export async function pullFiles(
  listed: readonly ListedFile[],
  { wanted, commit }: { wanted: Repository; commit: string },
  { signal, onProgress, settings }: DownloadOptions & { settings: HubSettings },
): Promise<Pulled> {
  // The commit, not the branch: a push during the download must not mix two revisions.
  const repository = { ...wanted, revision: commit }
  const files = await parallel(
    listed,
    AT_ONCE,
    (file, either) => describe(file, repository, { settings, signal: either }),
    signal,
  )
  const at = cachedRepository(settings.cache, repository)
  const progress = progressOf(repositoryName(wanted), files, onProgress)
  const plan = await planOf(files, at, repository)
  for (const { file, present } of plan) if (present) progress(file, file.size)
  await requireRoom(plan, at, settings)
  await parallel(
    plan,
    AT_ONCE,
    async ({ file }, either) =>
      await fetchFile(file, {
        at,
        repository,
        settings,
        signal: either,
        onBytes: (bytes) => progress(file, bytes),
      }),
    signal,
  )
  await writeReference(at, wanted.revision, commit)
  return {
    repository: repositoryName(wanted),
    commit,
    folder: snapshotFolder(at, commit),
    files: plan.map(({ file: { name, size }, present }) => ({ name, size, fetched: !present })),
  }
}

interface Planned {
  file: RemoteFile
  /** Whether its bytes are in the cache. */
  present: boolean
}

async function planOf(
  files: readonly RemoteFile[],
  at: CachedRepository,
  { revision }: Repository,
): Promise<Planned[]> {
  return await Promise.all(
    files.map(async (file) => {
      const named = await holds(join(snapshotFolder(at, revision), file.name), file.size)
      return { file, present: named || (await holds(blobPath(at, file.digest), file.size)) }
    }),
  )
}

/** Downloads one file into the blobs, and gives it its name in the snapshot. */
async function fetchFile(
  file: RemoteFile,
  { at, repository, ...options }: TransferOptions & { at: CachedRepository },
): Promise<void> {
  const target = blobPath(at, file.digest)
  if (await holds(join(snapshotFolder(at, repository.revision), file.name), file.size)) return
  const fetch = async () => {
    if (!(await holds(target, file.size))) await transfer(file, target, { repository, ...options })
  }
  await withLock(join(at.locks, `${file.digest}.bifocal.lock`), fetch, options.signal)
  await linkBlob(at, repository.revision, file.name, file.digest)
}

/** Checks the free disk before the download. @throws HubError `hub/no-space` */
async function requireRoom(
  plan: readonly Planned[],
  at: CachedRepository,
  { cache }: HubSettings,
): Promise<void> {
  const missing = new Map(
    plan.flatMap(({ file: { digest, size }, present }) => (present ? [] : [[digest, size] as const])),
  )
  let needed = 0
  for (const [digest, size] of missing)
    needed += Math.max(0, size - (await unfinishedBytes(blobPath(at, digest))))
  if (needed === 0) return
  await makeFolder(at.folder).catch((cause: unknown) => {
    throw writeFailure(at.folder, cause)
  })
  const { bavail, bsize } = await statfs(at.folder)
  if (needed <= bavail * bsize) return
  throw new HubError('no-space', {
    message: `${gigabytes(needed)} are to be downloaded, ${gigabytes(bavail * bsize)} are free in ${cache}`,
    hint: 'Free some space, or set HF_HUB_CACHE to a folder on another disk.',
  })
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`
}

/** Adds up the bytes of each file. */
function progressOf(
  repository: string,
  files: readonly RemoteFile[],
  onProgress: DownloadOptions['onProgress'],
): (file: RemoteFile, bytes: number) => void {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const bytesOf = new Map<string, number>()
  let done = 0
  return ({ name }, bytes) => {
    done += bytes - (bytesOf.get(name) ?? 0)
    bytesOf.set(name, bytes)
    onProgress?.({ repository, file: name, done, total })
  }
}
