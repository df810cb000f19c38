/** @file Errors of the report. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/** A results file that breaks its schema, or a report page that was never built. */
export class ReportError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`report/${code}`, details, code === 'page-missing' ? 3 : 2)
  }
}
