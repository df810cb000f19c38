/** @file Errors of contrastive tuning. */

import { BifocalError, type ErrorDetails, type ExitCode } from '../../foundation/numeric/errors.ts'

/**
 * A tuning that can't be set up. Codes: `tuning/loss`, `tuning/sampler`, `tuning/subject`,
 * `tuning/rank`, `tuning/log`.
 */
export class TuningError extends BifocalError {
  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 2) {
    super(`tuning/${code}`, details, exitCode)
  }
}
