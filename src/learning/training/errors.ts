/** @file Errors of training. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A training that can't start or go on. Codes: `training/not-finite`, `training/other-run`,
 * `training/schedule`, `training/no-parameter`, `training/no-group`, `training/no-matrix`,
 * `training/no-gradient`, `training/optimizer-state`, `training/snapshots`.
 */
export class TrainingError extends roomError('training', {
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
