/** @file Errors of pretraining. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * Codes: `pretraining/parameters`, `pretraining/no-tower`, `pretraining/model`,
 * `pretraining/other-recipe`, `pretraining/no-gates`; of a batch that can't be noised
 * `pretraining/no-target`, `pretraining/ragged`.
 */
export class PretrainingError extends roomError('pretraining', {
  model: 3,
  'no-gates': 3,
  'no-target': 1,
  'no-tower': 3,
  'other-recipe': 3,
  parameters: 3,
  ragged: 1,
}) {}
