/** @file Errors of training. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A training that can't start or go on. Codes: see docs/errors.md, `training/…`.
 */
export class TrainingError extends roomError('training', {
  log: 3,
  'no-gradient': 1,
  'no-group': 1,
  'no-matrix': 1,
  'no-parameter': 1,
  'not-finite': 1,
  'optimizer-state': 1,
  'other-run': 1,
  schedule: 1,
  snapshots: 3,
}) {}
