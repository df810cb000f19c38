/** @file Errors of checkpoints. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/**
 * A checkpoint that is incomplete or contradicts itself; exit code 3. Codes: see docs/errors.md,
 * `checkpoint/…`.
 */
export class CheckpointError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`checkpoint/${code}`, details, 3)
  }
}
