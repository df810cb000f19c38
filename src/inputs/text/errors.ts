/** @file Errors of tokenizers and chat templates. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/**
 * A tokenizer or chat template that is absent, damaged or of an unknown kind; exit code 3. Codes:
 * see docs/errors.md, `text/…`.
 */
export class TextError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`text/${code}`, details, 3)
  }
}
