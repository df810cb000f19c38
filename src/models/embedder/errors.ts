/** @file Errors of embedding: items and contracts. */

import { roomError } from '../../foundation/numeric/errors.ts'

/**
 * An item, contract or option that an embedder can't take. Codes: see docs/errors.md, `embedder/…`.
 */
export class EmbedderError extends roomError('embedder', {
  base: 3,
  'block-size': 2,
  contract: 2,
  dims: 2,
  'foreign-shard': 2,
  layer: 2,
  'long-ids': 2,
  'missing-shard': 2,
  'no-adapter': 2,
  'no-base': 3,
  'no-golden': 2,
  'no-model': 3,
  'no-published': 2,
  'no-sample': 2,
  'no-slot': 2,
  'no-token': 2,
  'no-vector': 1,
  'other-base': 3,
  'other-run': 2,
  output: 2,
  'preset-family': 2,
  'several-images': 2,
  shard: 2,
  'shard-twice': 2,
  'shared-folder': 2,
  store: 1,
  'too-long': 2,
  'too-many': 2,
  'vector-file': 3,
  'vector-format': 2,
}) {}
