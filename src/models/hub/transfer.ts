/**
 * @file Downloads one file from the hub into the cache's blobs. It resumes an earlier download, and
 * checks the bytes before the file gets its name.
 */

import { createHash, type Hash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FileError, readFailure, systemCode, writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, writeAll } from '../../foundation/files/file.ts'
import { BifocalError, InterruptedError } from '../../foundation/numeric/errors.ts'
import { bodyOf } from './body.ts'
import { HubError } from './errors.ts'
import { fileUrl, type RemoteFile } from './listing.ts'
import { pause } from './pause.ts'
import { strange } from './refusal.ts'
import type { Repository } from './repository.ts'
import { ask, unreachable } from './request.ts'
import type { HubSettings } from './settings.ts'

export interface TransferOptions {
  repository: Repository
  settings: HubSettings
  signal?: AbortSignal
  /** Called with the bytes on the disk, also those of an earlier download. */
  onBytes?: (bytes: number) => void
}

/** The bytes of a file that lie on the disk, and their hash. */
interface Part {
  bytes: number
  hash: Hash
  /** Whether a server refused to continue the part, and it was dropped. */
  dropped: boolean
}

/** The status for a range that the file does not have. */
const NOT_SATISFIABLE = 416

/**
 * The suffix of unfinished blobs. Python's huggingface_hub uses it too: each program resumes the
 * other's downloads.
 */
const UNFINISHED = '.incomplete'

/**
 * Downloads `file` to `target`, by way of `target.incomplete`. After a cut connection it goes on.
 * Only attempts that bring no further byte count against `settings.attempts`.
 * @throws HubError `hub/checksum`, `hub/unreachable`, and those of `ask`; FileError
 *   `file/disk-full`, `file/write`; InterruptedError, the part is kept
 */
export async function transfer(file: RemoteFile, target: string, options: TransferOptions): Promise<void> {
  const partial = target + UNFINISHED
  await makeFolder(dirname(target)).catch((cause: unknown) => {
    throw writeFailure(target, cause)
  })
  // A damaged part must not make each further run fail: once, the whole file is fetched again.
  for (let afresh = false; ; afresh = true) {
    const sum = await receiveAll(file, partial, options)
    if (sum === file.digest) break
    await rm(partial, { force: true })
    if (afresh) throw mismatch(file, sum, options)
  }
  await rename(partial, target).catch((cause: unknown) => {
    throw writeFailure(target, cause)
  })
}

/** The size of an unfinished download in bytes. */
export async function unfinishedBytes(target: string): Promise<number> {
  return await stat(target + UNFINISHED).then(
    ({ size }) => size,
    () => 0,
  )
}

/** Receives the rest of a file. @returns the checksum of the whole file, in hex */
async function receiveAll(file: RemoteFile, partial: string, options: TransferOptions): Promise<string> {
  const { settings, signal } = options
  const handle = await openPart(partial)
  try {
    const part = await partOf(partial, file, handle, signal)
    for (let failures = 0; part.bytes < file.size; ) {
      options.onBytes?.(part.bytes)
      const { bytes: before, dropped } = part
      const cut = await receive(part, file, handle, partial, options)
      if (part.bytes >= file.size) break
      // Without the part, the next request is another one.
      if (part.dropped && !dropped) continue
      failures = part.bytes > before ? 0 : failures + 1
      if (failures >= settings.attempts) throw unreachable(settings, cut)
      await pause(settings.pause * 2 ** failures, downloadOf(file), signal)
    }
    await handle.sync()
    options.onBytes?.(part.bytes)
    return part.hash.digest('hex')
  } catch (cause) {
    throw cause instanceof BifocalError ? cause : writeFailure(partial, cause)
  } finally {
    await handle.close()
  }
}

/** Writes the bytes of one answer until it ends or breaks. @returns why it broke */
async function receive(
  part: Part,
  file: RemoteFile,
  handle: FileHandle,
  partial: string,
  options: TransferOptions,
): Promise<unknown> {
  const { repository, settings, signal, onBytes } = options
  const asked = { repository, file: file.name }
  const headers: Record<string, string> = part.bytes > 0 ? { range: `bytes=${part.bytes}-` } : {}
  const takes = part.bytes > 0 && !part.dropped ? [NOT_SATISFIABLE] : []
  const response = await ask(
    fileUrl(repository, file.name, settings),
    { asked, settings, headers, takes, signal },
    (answer) => answer,
  )
  const start = startOf(response)
  // A server without ranges sends all of it again.
  if (start === 0) Object.assign(part, emptyPart(file), { dropped: part.dropped })
  if (start !== part.bytes) {
    await response.body?.cancel()
    const got = start === undefined ? `HTTP ${response.status}` : `bytes from ${start}`
    if (part.bytes === 0 || part.dropped)
      throw strange(file.name, `${got} instead of bytes from ${part.bytes}`, settings)
    // If the part stayed, each run would meet the same refusal.
    await handle.truncate(0)
    Object.assign(part, emptyPart(file), { dropped: true })
    return `the server did not continue ${file.name}: ${got}`
  }
  try {
    for await (const chunk of bodyOf(response, { settings, signal })) {
      await writeAll(handle, chunk, part.bytes).catch((cause: unknown) => {
        throw writeFailure(partial, cause)
      })
      part.hash.update(chunk)
      part.bytes += chunk.length
      onBytes?.(part.bytes)
      if (part.bytes > file.size) break
    }
    return 'an answer ended early'
  } catch (cause) {
    if (signal?.aborted) throw new InterruptedError(downloadOf(file), signal)
    if (cause instanceof BifocalError) throw cause
    return cause
  }
}

/** Where in the file the body of an answer starts; undefined for no part of it. */
function startOf({ status, headers }: Response): number | undefined {
  if (status === NOT_SATISFIABLE) return undefined
  if (status !== 206) return 0
  const [, start] = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '') ?? []
  return start === undefined ? undefined : Number(start)
}

/**
 * Opens the unfinished file, or makes it. A link is not followed, and a file that has another name
 * too is not written: both would change a file elsewhere.
 * @throws FileError `file/link`, `file/write`
 */
async function openPart(path: string): Promise<FileHandle> {
  // Against a link that is made after the check; Windows has no such flag.
  const noFollow = constants.O_NOFOLLOW ?? 0
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSymbolicLink()) throw otherFile(path, 'a link')
  if (found !== undefined && !found.isFile()) throw otherFile(path, 'no plain file')
  if (found !== undefined && found.nlink > 1) throw otherFile(path, 'a file with a second name')
  return await open(path, constants.O_RDWR | constants.O_CREAT | noFollow, 0o666).catch((cause: unknown) => {
    throw systemCode(cause) === 'ELOOP' ? otherFile(path, 'a link') : writeFailure(path, cause)
  })
}

function otherFile(path: string, what: string): FileError {
  return new FileError('link', {
    message: `${path} is ${what}: a download is not written through it`,
    hint: 'Remove it, and run the same command again.',
  })
}

function emptyPart({ digest, size }: RemoteFile): Part {
  // Git hashes a blob with a header before it. Files in large file storage have none.
  const hash = digest.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  return { bytes: 0, hash, dropped: false }
}

/** Reads and hashes the part that an earlier download left. One longer than the file is dropped. */
async function partOf(
  partial: string,
  file: RemoteFile,
  handle: FileHandle,
  signal: AbortSignal | undefined,
): Promise<Part> {
  const part = emptyPart(file)
  const { size } = await handle.stat()
  if (size > file.size) await handle.truncate(0)
  if (size === 0 || size > file.size) return part
  try {
    for await (const chunk of createReadStream(partial, { end: size - 1, signal, highWaterMark: 2 ** 20 })) {
      part.hash.update(chunk)
      part.bytes += chunk.length
    }
  } catch (cause) {
    throw signal?.aborted ? new InterruptedError(downloadOf(file), signal) : readFailure(partial, cause)
  }
  return part
}

function downloadOf({ name }: RemoteFile): string {
  return `the download of ${name}`
}

function mismatch(
  { name, digest }: RemoteFile,
  got: string,
  { repository, settings }: TransferOptions,
): HubError {
  return new HubError('checksum', {
    message: `${name} of ${repository.id}: the downloaded bytes have the checksum ${got}, expected ${digest}, twice`,
    hint:
      `Something between here and ${settings.endpoint} changes the file, or the disk is bad. The part ` +
      'was removed; try another network or HF_ENDPOINT.',
  })
}
