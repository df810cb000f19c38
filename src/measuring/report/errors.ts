/** @file Errors of the report. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A results file that breaks its schema, or a report page that was never built. */
export class ReportError extends roomError('report', {
  'no-run': 2,
  'page-missing': 3,
  'results-schema': 2,
  'run-schema': 2,
  several: 2,
  'unknown-folder': 3,
}) {}
