/** @file What can go wrong before, within and after a pretraining. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/**
 * Codes: `pretraining/parameters`, `pretraining/no-tower`, `pretraining/model`,
 * `pretraining/other-recipe`, `pretraining/no-gates`.
 */
export class PretrainingError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`pretraining/${code}`, details, 3)
  }
}
