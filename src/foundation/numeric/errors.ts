/**
 * @file The base of every error that bifocal throws on purpose. A folder derives its own class;
 * codes are listed in docs/errors.md.
 */

/** Process exit codes of the command line (docs/architecture.md, "Command line"). */
export type ExitCode = 1 | 2 | 3 | 4 | 130

export interface ErrorDetails {
  /** What went wrong, where, what was found and what was expected, in one sentence. */
  message: string
  /** How to fix it. */
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
  /** What the command line exits with when this error ends a command. */
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
 * The same error, told where it happened: code, hint and exit code stay. @example located(error,
 * 'items.jsonl, line 4')
 */
export function located(error: BifocalError, place: string): BifocalError {
  const details = { message: `${place}: ${error.message}`, hint: error.hint, cause: error }
  return new BifocalError(error.code, details, error.exitCode)
}

/** Bad arguments, flags or settings: exit code 2. */
export class UsageError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`usage/${code}`, details, 2)
  }
}

/** Thrown when an `AbortSignal` fires; whatever was finished before is kept. */
export class InterruptedError extends BifocalError {
  constructor(what: string) {
    super(
      'interrupted',
      {
        message: `${what} was interrupted`,
        hint: 'Run the same command again: it goes on where it stopped.',
      },
      130,
    )
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
