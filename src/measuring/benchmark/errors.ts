/** @file Errors of benchmarks. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A baseline that cannot embed an item. Code: `benchmark/vectors`. */
export class BenchmarkError extends roomError('benchmark', { vectors: 1 }) {}
