/** @file Errors of benchmarks. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** Items that a baseline cannot embed, scores that cannot be compared, folders that are no run. */
export class BenchmarkError extends roomError('benchmark', {
  export: 2,
  'foreign-shard': 2,
  gate: 2,
  'missing-shard': 2,
  'no-metric': 2,
  'no-model': 2,
  'no-rows': 3,
  'no-task': 2,
  'no-vectors': 3,
  'nothing-to-compare': 2,
  'other-candidates': 2,
  'other-dims': 2,
  'other-items': 2,
  'other-rows': 2,
  'other-run': 2,
  'other-sample': 2,
  'other-tasks': 2,
  run: 2,
  'run-version': 2,
  'several-models': 2,
  'shard-twice': 2,
  'too-many-problems': 3,
  'vector-items': 2,
  vectors: 1,
  'zero-vector': 3,
}) {}
