/**
 * @file Errors of the embedded pictures: missing or unusable `data/`, impossible requests to the
 * scene generator.
 */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/** Codes `scenes/…`; exit code 3 (missing data). */
export class ScenesError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`scenes/${code}`, details, 3)
  }
}
