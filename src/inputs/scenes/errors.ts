/**
 * @file Errors of the embedded pictures: missing or unusable `data/`, impossible requests to the
 * scene generator.
 */

import { roomError } from '../../foundation/numeric/errors.ts'

/** Codes `scenes/…`; exit code 3 (missing data). */
export class ScenesError extends roomError('scenes', {
  'concepts-invalid': 3,
  'concepts-missing': 3,
  'drawing-missing': 3,
  'no-scene': 3,
  'sheet-size': 3,
  'sheet-unreadable': 3,
}) {}
