/** @file Errors of items and of the files that hold them. */

import { BifocalError, type ErrorDetails, type ExitCode } from '../../foundation/numeric/errors.ts'

/** An item, or a file of items, that can't be read. Codes: see docs/errors.md, `embedder/…`. */
export class ItemError extends BifocalError {
  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 2) {
    super(`embedder/${code}`, details, exitCode)
  }
}
