/** @file Errors of benchmarks. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * Tasks that can't be scored, or stored vectors that don't fit. Codes: `benchmark/no-vector`,
 * `benchmark/store`, `benchmark/vectors`.
 */
export class BenchmarkError extends roomError('benchmark', {
  'no-vector': 1,
  store: 1,
  vectors: 1,
}) {}
