/**
 * @file Errors of pictures: files that cannot be read as the reference reads them, and sizes that
 * do not fit.
 */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/** A picture, or the settings of a picture processor, that cannot be used. Exit code 3. */
export class MediaError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`media/${code}`, details, 3)
  }
}
