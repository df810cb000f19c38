/** @file Errors of studies. */

import { BifocalError, type ErrorDetails, type ExitCode } from '../../foundation/numeric/errors.ts'

/** A study that can't be planned. Codes: `study/no-model`, `study/models`, `study/no-pairs`. */
export class StudyError extends BifocalError {
  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 3) {
    super(`study/${code}`, details, exitCode)
  }
}
