/** @file Errors of model families: configs and weights that do not make a model. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * A config, weight list or item that a family can't take; exit code 3. Codes: see docs/errors.md,
 * `family/…`.
 */
export class FamilyError extends roomError('family', {
  codebook: 3,
  config: 3,
  empty: 3,
  'image-count': 3,
  'image-offset': 3,
  'no-companion': 3,
  'no-processor': 3,
  'no-template': 3,
  processor: 3,
  'reserved-token': 3,
  settings: 2,
  'special-token': 3,
  'token-id': 3,
  'too-long': 3,
  unknown: 3,
  'view-size': 3,
  weights: 3,
}) {}
