/** @file Errors of embedding: items and contracts. */

import { BifocalError, type ErrorDetails, type ExitCode } from '../../foundation/numeric/errors.ts'

/**
 * An item, contract or option that an embedder can't take. Codes: see docs/errors.md, `embedder/…`.
 */
export class EmbedderError extends BifocalError {
  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 2) {
    super(`embedder/${code}`, details, exitCode)
  }
}
