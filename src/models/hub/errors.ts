/** @file Errors of the Hugging Face Hub: names, answers, downloads. */

import { BifocalError, type ErrorDetails, type ExitCode } from '../../foundation/numeric/errors.ts'

/** A model that the hub or its cache does not give. Codes: see docs/errors.md, `hub/…`. */
export class HubError extends BifocalError {
  constructor(code: string, details: ErrorDetails, exitCode: ExitCode = 3) {
    super(`hub/${code}`, details, exitCode)
  }
}
