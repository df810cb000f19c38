/** @file Errors of reading and writing files. */

import { roomError } from '../numeric/errors.ts'

/**
 * A file cannot be read, parsed or written, or a shipped model or picture is missing. Codes: see
 * docs/errors.md, `file/…`.
 */
export class FileError extends roomError('file', {
  archive: 3,
  'archive-member': 3,
  changed: 3,
  'disk-full': 1,
  'in-use': 2,
  json: 3,
  link: 3,
  missing: 3,
  'no-twins': 3,
  'not-shipped': 3,
  'open-files': 1,
  read: 3,
  schema: 3,
  write: 1,
}) {}

/** The `code` of a Node.js system error, such as `ENOENT`; undefined for any other value. */
export function systemCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined
}

/** The hint of `file/open-files`. */
export const RAISE_LIMIT =
  'Raise the limit, for instance with `ulimit -n 1024`, and run the same command again.'

/** Whether the system lets this process open no more files. */
export function lacksFiles(cause: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCode(cause) ?? '')
}

function tooManyFiles(path: string, cause: unknown): FileError {
  return new FileError('open-files', {
    message: `${path} cannot be opened: the process has as many files open as the system allows`,
    hint: RAISE_LIMIT,
    cause,
  })
}

/** Makes the `FileError` that says why `path` could not be read. */
export function readFailure(path: string, cause: unknown): FileError {
  if (lacksFiles(cause)) return tooManyFiles(path, cause)
  if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') {
    return new FileError('missing', {
      message: `${path} does not exist`,
      hint: 'Check the path; a broken link counts as missing too.',
      cause,
    })
  }
  const hint =
    systemCode(cause) === 'EISDIR'
      ? 'It is a folder: name a file in it.'
      : 'Check the permissions and the disk.'
  return new FileError('read', { message: `${path} cannot be read: ${words(cause)}`, hint, cause })
}

/** Makes the `FileError` that says why `path` could not be written. */
export function writeFailure(path: string, cause: unknown): FileError {
  if (lacksFiles(cause)) return tooManyFiles(path, cause)
  if (systemCode(cause) === 'ENOSPC' || systemCode(cause) === 'EDQUOT') {
    return new FileError('disk-full', {
      message: `the disk is full: ${path} was not written; what stood there before is untouched`,
      hint: 'Free some space, or write to another disk, and run the same command again.',
      cause,
    })
  }
  const inTheWay = systemCode(cause) === 'ENOTDIR' || systemCode(cause) === 'EEXIST'
  return new FileError('write', {
    message: `${path} cannot be written: ${words(cause)}`,
    hint: inTheWay
      ? 'A file stands where a folder is needed: name another folder.'
      : 'Check the folder and its permissions.',
    cause,
  })
}

/**
 * Makes the `FileError` of stdout or stderr. Unlike a file, a stream keeps the bytes written
 * before.
 */
export function streamFailure(name: string, cause: unknown): FileError {
  const hint = 'What was written is incomplete. Is the disk behind it full?'
  return new FileError('write', { message: `${name} cannot be written: ${words(cause)}`, hint, cause })
}

function words(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
