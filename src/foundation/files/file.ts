/** @file Whole files: written all or not at all, JSON read with errors that say where. */

import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { BifocalError } from '../numeric/errors.ts'
import { FileError, readFailure, systemCode, writeFailure } from './errors.ts'
import { schemaProblems } from './schema-problems.ts'
import { removedAtExit, temporaryPath } from './temporary.ts'

/**
 * Writes a file so that `path` holds either what it held before or all of `content`: a temporary
 * file beside it is written, synced and renamed. Absent folders are made.
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
 * `mkdir -p`. Not the runtime's own: Node 20's never ends where a folder can't be made in an
 * existing one (`/proc/x/y`).
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
 * No `write` takes more than 2 GiB, and no array of bytes is longer than 4 GiB in Node 20, though
 * the buffer that it looks at may be.
 */
const PIECE = 2 ** 30

/**
 * One `write` may take fewer bytes than it was given, and never more than 2 GiB.
 * @param position where in the file; default: behind what was written before
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
 * The bytes of an array of any size, in order. They are not copied. @param length of a piece, at
 * most
 */
export function* piecesOf(
  { buffer, byteOffset, byteLength }: ArrayBufferView,
  length = PIECE,
): Generator<Uint8Array> {
  for (let at = 0; at < byteLength; at += length)
    yield new Uint8Array(buffer, byteOffset + at, Math.min(length, byteLength - at))
}

/**
 * Makes a rename survive a power cut. Windows can't open folders; there the rename alone has to do.
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
 * Before a file is opened: one that is no file of bytes, a pipe say, would be waited for without
 * end.
 * @returns its size in bytes
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
 * A whole file.
 * @throws FileError `file/missing`, `file/read`
 */
export async function readBytes(path: string): Promise<Buffer> {
  await sizeOfFile(path)
  return await readFile(path).catch((cause: unknown) => {
    throw readFailure(path, cause)
  })
}

/**
 * A text file.
 * @throws FileError `file/missing`, `file/read`
 */
export async function readText(path: string): Promise<string> {
  return (await readBytes(path)).toString()
}

/**
 * A JSON file of a known form.
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
    hint: 'Correct these keys; a file of a published repository is best taken as it was published.',
    cause: parsed.error,
  })
}

/** Form of a JSON object whose keys are not known beforehand, for `readJson`. */
export const jsonObject = z.record(z.string(), z.unknown())
