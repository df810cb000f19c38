/** @file Errors of mining hard negatives. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** Pairs that no negatives can be found for. Codes: see docs/errors.md, `mining/…`. */
export class MiningError extends roomError('mining', {
  'no-pairs': 3,
  output: 2,
  unwritten: 2,
  window: 2,
}) {}
