/** @file Errors of items and of the files that hold them. */

import { roomError } from '../../foundation/numeric/errors.ts'

/** An item, or a file of items, that can't be read. Codes: see docs/errors.md, `data/…`. */
export class ItemError extends roomError('data', {
  columns: 2,
  'empty-item': 2,
  format: 2,
  line: 2,
  'no-pairs': 2,
  pair: 2,
  path: 3,
  pixels: 2,
  row: 3,
  table: 2,
  text: 2,
}) {}
