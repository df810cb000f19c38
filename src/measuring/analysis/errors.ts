/** @file The errors of the alignment analysis. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/** Vectors that cannot be analysed. Exit code 1. */
export class AnalysisError extends BifocalError {
  constructor(code: 'count' | 'too-few' | 'zero-vector', details: ErrorDetails) {
    super(`analysis/${code}`, details)
  }
}
