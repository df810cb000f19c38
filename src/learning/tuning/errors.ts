/** @file Errors of contrastive tuning. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A tuning that can't be set up. Codes: see docs/errors.md, `tuning/…`. */
export class TuningError extends roomError('tuning', {
  adapted: 2,
  best: 3,
  log: 3,
  loss: 2,
  'no-pairs': 3,
  'other-settings': 2,
  out: 2,
  rank: 2,
  targets: 2,
  train: 2,
  sampler: 2,
  skipped: 3,
  subject: 2,
}) {}
