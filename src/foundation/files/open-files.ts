/** @file Failures because the system lets a process open no more files. */

import { FileError, lacksFiles, RAISE_LIMIT, systemCode } from './errors.ts'

/** Loading the program and its engine takes fewer open files than this at once. */
const ENOUGH = 256

/**
 * Node's codes of a module that could not be loaded: also what a file that cannot be opened ends
 * in.
 */
const NOT_LOADED = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED']

/**
 * The error that says so when `cause`, or a cause of it, is a lack of open files; undefined for
 * other failures.
 */
export function openFilesFailure(cause: unknown): FileError | undefined {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (error instanceof FileError && error.code === 'file/open-files') return error
    const lacks = lacksFiles(error) || /\b(EMFILE|ENFILE)\b|too many open files/i.test(error.message)
    const suspected = NOT_LOADED.includes(systemCode(error) ?? '') && (openFilesLimit() ?? ENOUGH) < ENOUGH
    if (lacks || suspected) return tooManyFiles(error)
  }
  return undefined
}

function tooManyFiles(cause: Error): FileError {
  const limit = openFilesLimit()
  const most =
    limit === undefined ? 'as many files as the system allows' : `${limit} files, the most it may open`
  return new FileError('open-files', {
    message: `the process has opened ${most}: ${cause.message.split('\n')[0]}`,
    hint: RAISE_LIMIT,
    cause,
  })
}

/** The soft limit of this process; undefined where the system has none. */
function openFilesLimit(): number | undefined {
  const report: { userLimits?: { open_files?: { soft?: unknown } } } = process.report.getReport()
  const soft = Number(report.userLimits?.open_files?.soft)
  return Number.isFinite(soft) ? soft : undefined
}
