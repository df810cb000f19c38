/** @file Errors of studies. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A study that can't be planned. Codes: `study/no-model`, `study/models`, `study/no-pairs`. */
export class StudyError extends roomError('study', {
  models: 2,
  'no-model': 3,
  'no-pairs': 2,
}) {}
