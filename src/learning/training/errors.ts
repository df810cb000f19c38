/** @file Errors of training. */

import { BifocalError, type ErrorDetails, type ExitCode } from '../../foundation/numeric/errors.ts'

/**
 * A training that can't start or go on. Codes: `training/not-finite`, `training/other-run`,
 * `training/schedule`, `training/no-parameter`, `training/no-group`, `training/no-matrix`,
 * `training/no-gradient`, `training/optimizer-state`, `training/snapshots`.
 */
export class TrainingError extends BifocalError {
  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 1) {
    super(`training/${code}`, details, exitCode)
  }
}
