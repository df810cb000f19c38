/** @file The files of a repository at a revision, with sizes and checksums. */

import { z } from 'zod'
import { printable } from '../../foundation/files/printable.ts'
import { schemaProblems } from '../../foundation/files/schema-problems.ts'
import { textOf } from './body.ts'
import { type Asked, strange } from './refusal.ts'
import { addressOf, isCommit, type Repository } from './repository.ts'
import { ask } from './request.ts'
import type { HubSettings } from './settings.ts'

export interface RemoteFile {
  /** Path in the repository, `/` between folders. */
  name: string
  /** Bytes. */
  size: number
  /**
   * sha256 (64 digits) of a file in large file storage, else git's sha1 (40 digits). It is the name
   * of the blob in the cache.
   */
  digest: string
}

/** A file of a list. Mirrors of the hub leave out sizes and checksums. */
export type ListedFile = Pick<RemoteFile, 'name'> & Partial<RemoteFile>

export interface Listing {
  commit: string
  files: ListedFile[]
}

const DIGEST = /^([0-9a-f]{40}|[0-9a-f]{64})$/

const listingSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.int().nonnegative().nullish(),
      blobId: z.string().regex(DIGEST).nullish(),
      lfs: z.object({ sha256: z.string().regex(DIGEST), size: z.int().nonnegative() }).nullish(),
    }),
  ),
})

interface ListingOptions {
  settings: HubSettings
  signal?: AbortSignal
}

/**
 * Asks the hub for the files of a repository at a revision.
 * @throws HubError `hub/no-repository`, `hub/no-revision`, `hub/answer`, and the others of `ask`
 */
export async function listFiles(
  repository: Repository,
  { settings, signal }: ListingOptions,
): Promise<Listing> {
  const { id, revision, kind = 'model' } = repository
  const url = `${settings.endpoint}/api/${kind}s/${id}/revision/${encodeURIComponent(revision)}?blobs=true`
  const what = `the list of files of ${id}`
  const text = await ask(url, { asked: { repository }, settings, signal }, (response) =>
    textOf(response, what, { settings, signal }),
  )
  const parsed = listingSchema.safeParse(parseJson(text))
  if (!parsed.success) throw strange(what, schemaProblems(parsed.error), settings)
  const { sha, siblings } = parsed.data
  const safe = siblings.filter(({ rfilename }) => isSafe(rfilename))
  const files = safe.map(({ rfilename, size, blobId, lfs }) => ({
    name: rfilename,
    size: lfs?.size ?? size ?? undefined,
    digest: lfs?.sha256 ?? blobId ?? undefined,
  }))
  const names = new Set(files.map(({ name }) => name))
  if (names.size < files.length)
    throw strange(what, `${files.length - names.size} names that are there twice`, settings)
  return { commit: sha, files }
}

/**
 * Completes a file's size and checksum from the headers of the file itself.
 * @throws HubError `hub/answer`, and those of `ask`
 */
export async function describe(
  file: ListedFile,
  repository: Repository,
  { settings, signal }: ListingOptions,
): Promise<RemoteFile> {
  const { name, size, digest } = file
  if (size !== undefined && digest !== undefined) return { name, size, digest }
  const asked: Asked = { repository, file: name }
  const url = fileUrl(repository, name, settings)
  const headers = await ask(url, { asked, settings, signal, method: 'HEAD' }, (response) => response.headers)
  const commit = headers.get('x-repo-commit')
  const tag = (headers.get('x-linked-etag') ?? headers.get('etag') ?? '').replace(/^(W\/)?"(.*)"$/, '$2')
  const length = headers.get('x-linked-size') ?? headers.get('content-length') ?? ''
  if (!DIGEST.test(tag) || !/^\d+$/.test(length))
    throw strange(name, `ETag "${tag}", length "${length}"`, settings)
  if (isCommit(repository.revision) && commit !== null && commit !== repository.revision) {
    throw strange(name, `commit ${commit} instead of ${repository.revision}`, settings)
  }
  return { name, size: Number(length), digest: tag }
}

export function fileUrl(repository: Repository, name: string, { endpoint }: HubSettings): string {
  return `${endpoint}/${addressOf(repository)}/resolve/${encodeURIComponent(repository.revision)}/${name.split('/').map(encodeURIComponent).join('/')}`
}

/**
 * A name from the net becomes a path on the disk and a word on a terminal: it must stay in its
 * folder, on every system, and hold no character that steers a terminal. Files of other names are
 * treated as absent.
 */
function isSafe(name: string): boolean {
  return /^[^\\:]+$/.test(name) && printable(name) === name && !/(^|\/)\.{0,2}(\/|$)/.test(name)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
