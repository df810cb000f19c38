/** @file The errors of the alignment analysis. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** Vectors that cannot be analysed. Exit code 3. */
export class AnalysisError extends roomError('analysis', {
  count: 3,
  dims: 3,
  ids: 3,
  'too-few': 3,
  'zero-vector': 3,
}) {}
