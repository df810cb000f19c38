/** @file The errors of the alignment analysis. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** Vectors that cannot be analysed. Exit code 1. */
export class AnalysisError extends roomError('analysis', {
  count: 1,
  'too-few': 1,
  'zero-vector': 1,
}) {}
