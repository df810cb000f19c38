/** @file Errors of checkpoints. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A checkpoint that is incomplete or contradicts itself; exit code 3. Codes: see docs/errors.md,
 * `checkpoint/…`.
 */
export class CheckpointError extends roomError('checkpoint', {
  'adapter-kind': 3,
  'adapter-mix': 2,
  'adapter-target': 3,
  'adapter-tensors': 3,
  'ambiguous-weights': 3,
  dtype: 3,
  'duplicate-tensor': 3,
  'file-size': 3,
  'header-entry': 3,
  'header-json': 3,
  'header-length': 3,
  index: 3,
  'no-config': 3,
  'no-folder': 3,
  'no-shard': 3,
  'no-tensor': 3,
  'no-weights': 3,
  out: 2,
  overflow: 3,
  'tensor-overlap': 3,
  'tensor-range': 3,
  truncated: 3,
}) {}
