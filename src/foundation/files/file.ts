/**
 * @file Reads and writes whole files. A write leaves the old file or the new one, never a part.
 * Errors of JSON say where they are.
 */

import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { BifocalError } from '../numeric/errors.ts'
import { FileError, readFailure, systemCode, writeFailure } from './errors.ts'
import { schemaProblems } from './schema-problems.ts'
import { removedAtExit, temporaryPath } from './temporary.ts'

/**
 * Writes a file. Afterwards `path` holds either its old bytes or all of `content`: the function
 * writes a temporary file beside it, syncs it and renames it. It makes absent folders.
 * @param content text (UTF-8), bytes, or chunks of bytes that are written one after another
 * @throws FileError `file/disk-full`, `file/write`
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = temporaryPath(path)
  const keep = removedAtExit(temporary)
  try {
    await makeFolder(dirname(path))
    await writeSynced(temporary, content)
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw cause instanceof BifocalError ? cause : writeFailure(path, cause)
  } finally {
    keep()
  }
}

/**
 * Makes a folder and the folders above it, like `mkdir -p`. Node 20's own `mkdir` with `recursive`
 * never ends where an existing folder takes no new one (`/proc/x/y`).
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || dirname(path) === path) throw cause
    await makeFolder(dirname(path))
    await mkdir(path).catch((again: unknown) => {
      if (systemCode(again) !== 'EEXIST') throw again
    })
  }
}

async function writeSynced(path: string, content: Parameters<typeof writeFileAtomic>[1]): Promise<void> {
  const file = await open(path, 'wx')
  try {
    if (typeof content === 'string') await file.writeFile(content)
    else if (content instanceof Uint8Array) await writeAll(file, content)
    else for await (const chunk of content) await writeAll(file, chunk)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Bytes of one `write`, at most. The system takes no more than 2 GiB at a time. In Node 20 an array
 * of bytes cannot be longer than 4 GiB, though its buffer may be.
 */
const PIECE = 2 ** 30

/**
 * Writes all bytes. One `write` of the system may take fewer than it was given.
 * @param position byte of the file to begin at; default: after the last write
 */
export async function writeAll(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(
      bytes,
      at,
      Math.min(bytes.length - at, PIECE),
      position === undefined ? null : position + at,
    )
    at += bytesWritten
  }
}

/**
 * Reads bytes until `bytes` is full or the file ends. One `read` of the system may give fewer than
 * it was asked for.
 * @param position byte of the file to begin at
 * @returns how many bytes were read: fewer than asked for where the file ends before
 * @throws FileError `file/read`
 */
export async function readAll(
  file: FileHandle,
  path: string,
  bytes: Uint8Array,
  position: number,
): Promise<number> {
  let at = 0
  while (at < bytes.length) {
    const length = Math.min(bytes.length - at, PIECE)
    const { bytesRead } = await file.read(bytes, at, length, position + at).catch((cause: unknown) => {
      throw readFailure(path, cause)
    })
    if (bytesRead === 0) break
    at += bytesRead
  }
  return at
}

/**
 * Opens a file to read.
 * @throws FileError `file/missing`, `file/read`
 */
export async function openToRead(path: string): Promise<FileHandle> {
  await sizeOfFile(path)
  return await open(path, 'r').catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
}

/**
 * Yields the bytes of an array of any size in pieces, in order, without a copy.
 * @param length bytes of a piece, at most
 */
export function* piecesOf(
  { buffer, byteOffset, byteLength }: ArrayBufferView,
  length = PIECE,
): Generator<Uint8Array> {
  for (let at = 0; at < byteLength; at += length)
    yield new Uint8Array(buffer, byteOffset + at, Math.min(length, byteLength - at))
}

/**
 * Makes a rename survive a power cut. Windows cannot open folders; there the rename alone must do.
 */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  try {
    await handle?.sync().catch(() => {})
  } finally {
    await handle?.close()
  }
}

/**
 * Checks that a path is a plain file, before it is opened: opening a pipe may wait forever.
 * @returns the file's size in bytes
 * @throws FileError `file/missing`, `file/read`
 */
export async function sizeOfFile(path: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
  if (found.isFile()) return found.size
  throw new FileError('read', {
    message: `${path} cannot be read: expected a file, got ${found.isDirectory() ? 'a folder' : 'a pipe, a socket or a device'}`,
    hint: found.isDirectory()
      ? 'It is a folder: name a file in it.'
      : 'Copy what it gives into a file, and name that.',
  })
}

/**
 * Reads a whole file.
 * @throws FileError `file/missing`, `file/read`
 */
export async function readBytes(path: string): Promise<Buffer> {
  await sizeOfFile(path)
  return await readFile(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
}

/**
 * Reads a text file in UTF-8.
 * @throws FileError `file/missing`, `file/read`
 */
export async function readText(path: string): Promise<string> {
  return (await readBytes(path)).toString()
}

/**
 * Reads a JSON file and checks its form.
 * @example const index = await readJson(path, z.object({ weight_map: z.record(z.string(),
 *   z.string()) }))
 * @throws FileError `file/missing`, `file/read`, `file/json` (no JSON), `file/schema` (JSON of
 *   another form)
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readText(path)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new FileError('json', {
      message: `${path} is no JSON: ${cause instanceof Error ? cause.message : cause}`,
      hint: 'Is the file truncated, or a Git LFS pointer? Fetch it again.',
      cause,
    })
  }
  const parsed = schema.safeParse(json, { reportInput: true })
  if (parsed.success) return parsed.data
  throw new FileError('schema', {
    message: `${path} has an unexpected form: ${schemaProblems(parsed.error)}`,
    hint: 'Correct these keys. If the file belongs to a published repository, take it unchanged from there.',
    cause: parsed.error,
  })
}

/** The schema of a JSON object with any keys, for `readJson`. */
export const jsonObject = z.record(z.string(), z.unknown())
