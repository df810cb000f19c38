/** @file Errors of pretraining. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * Codes: `pretraining/parameters`, `pretraining/no-tower`, `pretraining/model`,
 * `pretraining/other-recipe`, `pretraining/no-gates`.
 */
export class PretrainingError extends roomError('pretraining', {
  model: 3,
  'no-gates': 3,
  'no-tower': 3,
  'other-recipe': 3,
  parameters: 3,
}) {}
