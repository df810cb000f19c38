/**
 * @file The base of every error that bifocal throws on purpose. `roomError` makes the class of a
 * room from the table of its codes; docs/errors.md lists all codes.
 */

/** Process exit codes of the command line (docs/architecture.md, "Command line"). */
export type ExitCode = 1 | 2 | 3 | 4 | 130

export interface ErrorDetails {
  /** One sentence: what went wrong, where, what was found and what was expected. */
  message: string
  /** The way to fix it. */
  hint: string
  cause?: unknown
}

/**
 * An error with a stable `code`, a message that says what, where, got and expected, and a hint.
 * @example throw new CheckpointError('tensor-shape', { message: `${file}: …`, hint: '…' })
 */
export class BifocalError extends Error {
  /** Stable string such as `checkpoint/tensor-shape`. */
  readonly code: string
  readonly hint: string
  /** Exit code of the command line where this error ends a command. */
  readonly exitCode: ExitCode

  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 1) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.hint = details.hint
    this.exitCode = exitCode
  }
}

/**
 * The error class of a room. `codes` says which codes the room throws, and what the command line
 * exits with for each.
 * @example
 * export class MediaError extends roomError('media', { damaged: 3, resample: 1 }) {}
 * throw new MediaError('damaged', { message: `${file}: …`, hint: '…' }) // code 'media/damaged'
 */
export function roomError<const Codes extends Readonly<Record<string, ExitCode>>>(
  room: string,
  codes: Codes,
) {
  return class extends BifocalError {
    /** `media/damaged` … → exit code. */
    static readonly codes: ReadonlyMap<string, ExitCode> = new Map(
      Object.entries(codes).map(([code, exit]) => [`${room}/${code}`, exit]),
    )

    /** `damaged` of `media/damaged`; undefined where the room has no such code. */
    static codeOf(full: string): (keyof Codes & string) | undefined {
      return Object.keys(codes).find((code) => `${room}/${code}` === full)
    }

    constructor(code: keyof Codes & string, details: ErrorDetails) {
      super(`${room}/${code}`, details, codes[code]!)
    }
  }
}

/**
 * The same error, told where it happened: code, hint and exit code stay. @example located(error,
 * 'items.jsonl, line 4')
 */
export function located(error: BifocalError, place: string): BifocalError {
  const details = { message: `${place}: ${error.message}`, hint: error.hint, cause: error }
  return new BifocalError(error.code, details, error.exitCode)
}

/** Bad arguments, flags or settings. */
export class UsageError extends roomError('usage', {
  arguments: 2,
  config: 2,
  'empty-input': 2,
  option: 2,
  'task-unknown': 2,
}) {}

/**
 * Thrown when an `AbortSignal` fires; finished work is kept. Its name is `AbortError`, as callers
 * of the web's own functions expect, and its `cause` is the signal's reason.
 */
export class InterruptedError extends BifocalError {
  /** @param signal the one that fired; its reason becomes the cause */
  constructor(what: string, signal?: AbortSignal) {
    super(
      'interrupted',
      {
        message: `${what} was interrupted`,
        hint: 'Start the same work again: it goes on where it stopped.',
        cause: signal?.reason,
      },
      130,
    )
    this.name = 'AbortError'
  }
}

const LISTED = 8

/**
 * The first few of many, for a message that a person reads. @example firstOf(['a', 'b', 'c'], 2) //
 * 'a; b; and 1 more'
 */
export function firstOf(items: readonly string[], most = LISTED): string {
  return [...items.slice(0, most), ...(items.length > most ? [`and ${items.length - most} more`] : [])].join(
    '; ',
  )
}
