/**
 * @file Errors of pictures: files that cannot be read as the reference reads them, and sizes that
 * do not fit.
 */

import { roomError } from '../../foundation/numeric/errors.ts'

/** A picture, or the settings of a picture processor, that cannot be used. Exit code 3. */
export class MediaError extends roomError('media', {
  address: 3,
  aspect: 3,
  'bit-depth': 3,
  damaged: 3,
  empty: 3,
  format: 3,
  grids: 3,
  patches: 3,
  'processor-config': 3,
  resample: 3,
  size: 3,
  tiles: 3,
  'too-large': 3,
  variant: 3,
}) {}
