/** @file Errors of items and of the files that hold them. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** An item, or a file of items, that can't be read. Codes: see docs/errors.md, `embedder/…`. */
export class ItemError extends roomError('embedder', {
  'empty-item': 2,
  'item-columns': 2,
  'item-line': 2,
  'item-table': 2,
  pixels: 2,
}) {}
