/** @file Errors of benchmarks. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A baseline that cannot embed an item, or scores that cannot be compared. */
export class BenchmarkError extends roomError('benchmark', { 'other-rows': 2, vectors: 1 }) {}
