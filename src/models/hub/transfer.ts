/**
 * @file One file from the hub into the cache's blobs: resumed where an earlier download stopped,
 * checked before it gets its name.
 */

import { createHash, type Hash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import { readFailure, writeFailure } from '../../foundation/files/errors.ts'
import { makeFolder, writeAll } from '../../foundation/files/file.ts'
import { BifocalError, InterruptedError } from '../../foundation/numeric/errors.ts'
import { HubError } from './errors.ts'
import { fileUrl, type RemoteFile } from './listing.ts'
import { pause } from './pause.ts'
import { strange } from './refusal.ts'
import type { Repository } from './repository.ts'
import { anyOf, ask, unreachable } from './request.ts'
import type { HubSettings } from './settings.ts'

export interface TransferOptions {
  repository: Repository
  settings: HubSettings
  signal?: AbortSignal
  /** Told the bytes that are there, those of an earlier download included. */
  onBytes?: (bytes: number) => void
}

/** What of a file lies on the disk, and its hash so far. */
interface Part {
  bytes: number
  hash: Hash
}

/**
 * The suffix that Python's huggingface_hub gives to unfinished blobs: each resumes what the other
 * began.
 */
const UNFINISHED = '.incomplete'

/**
 * Downloads `file` to `target`, by way of `target.incomplete`. A cut connection is taken up again;
 * only attempts without a further byte count against `settings.attempts`.
 * @throws HubError `hub/checksum`, `hub/unreachable`, and those of `ask`; FileError
 *   `file/disk-full`, `file/write`; InterruptedError, the part is kept
 */
export async function transfer(file: RemoteFile, target: string, options: TransferOptions): Promise<void> {
  const partial = target + UNFINISHED
  await makeFolder(dirname(target)).catch((cause: unknown) => {
    throw writeFailure(target, cause)
  })
  // A part that went bad must not fail each further run: once, all is fetched afresh.
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

/** Bytes of an unfinished download. */
export async function unfinishedBytes(target: string): Promise<number> {
  return await stat(target + UNFINISHED).then(
    ({ size }) => size,
    () => 0,
  )
}

/** @returns the checksum of the whole file, in hex */
async function receiveAll(file: RemoteFile, partial: string, options: TransferOptions): Promise<string> {
  const { settings, signal } = options
  const handle = await open(partial, constants.O_RDWR | constants.O_CREAT, 0o666).catch((cause: unknown) => {
    throw writeFailure(partial, cause)
  })
  try {
    const part = await partOf(partial, file, handle, signal)
    for (let failures = 0; part.bytes < file.size; ) {
      options.onBytes?.(part.bytes)
      const before = part.bytes
      const cut = await receive(part, file, handle, partial, options)
      if (part.bytes >= file.size) break
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

/** Writes what one answer brings, until it ends or breaks; says why it broke. */
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
  const response = await ask(
    fileUrl(repository, file.name, settings),
    { asked, settings, headers, signal },
    (answer) => answer,
  )
  const start =
    response.status === 206
      ? Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1])
      : 0
  // A server without ranges sends all of it again.
  if (start === 0) Object.assign(part, emptyPart(file))
  if (start !== part.bytes) throw strange(file.name, `bytes from ${start} instead of ${part.bytes}`, settings)
  const silence = new AbortController()
  const timer = setTimeout(() => silence.abort(), settings.silence)
  try {
    for await (const chunk of bytesOf(response, anyOf(silence.signal, signal))) {
      timer.refresh()
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
  } finally {
    clearTimeout(timer)
  }
}

async function* bytesOf({ body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (body !== null) yield* addAbortSignal(signal, Readable.fromWeb(body))
}

function emptyPart({ digest, size }: RemoteFile): Part {
  // What git calls a blob is hashed with a header; files in large file storage are not.
  const hash = digest.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
  return { bytes: 0, hash }
}

/** Takes up what an earlier download left; more than the whole file can't be of it. */
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
    hint: `Something between here and ${settings.endpoint} changes the file, or the disk is bad. The part was removed; try another network or HF_ENDPOINT.`,
  })
}
