/** @file Errors of studies. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A study that can't be planned. Codes: see docs/errors.md, `study/…`. */
export class StudyError extends roomError('study', {
  'no-caption': 3,
  'no-model': 3,
  'no-pair': 3,
  'no-pairs': 2,
  'other-record': 2,
  'other-run': 2,
  'two-records': 2,
}) {}
