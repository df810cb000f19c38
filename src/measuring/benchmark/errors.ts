/** @file Errors of benchmarks. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'

/**
 * Tasks that can't be scored, or stored vectors that don't fit. Codes: `benchmark/no-vector`,
 * `benchmark/store`, `benchmark/vectors`.
 */
export class BenchmarkError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`benchmark/${code}`, details)
  }
}
