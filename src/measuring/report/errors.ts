/** @file Errors of the report. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A results file that breaks its schema, or a report page that was never built. */
export class ReportError extends roomError('report', {
  'page-missing': 3,
  'results-schema': 2,
  'run-schema': 2,
}) {}
