/** @file Errors of model families: configs and weights that do not make a model. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/**
 * A config, weight list or item that a family can't take; exit code 3. Codes: see docs/errors.md,
 * `family/…`.
 */
export class FamilyError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`family/${code}`, details, 3)
  }
}
