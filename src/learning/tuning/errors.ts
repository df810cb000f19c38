/** @file Errors of contrastive tuning. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A tuning that can't be set up. Codes: `tuning/loss`, `tuning/sampler`, `tuning/subject`,
 * `tuning/rank`, `tuning/log`.
 */
export class TuningError extends roomError('tuning', {
  log: 3,
  loss: 2,
  rank: 2,
  sampler: 2,
  subject: 2,
}) {}
