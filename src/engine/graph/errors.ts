/** @file Errors of graph building: raised while a model is described, before anything runs. */

import { BifocalError, type ErrorDetails } from '../../foundation/numeric/errors.ts'
import { type Dim, formatDims } from './dims.ts'

/** A graph that can't be built: shapes or types that don't fit. */
export class GraphError extends BifocalError {
  constructor(code: string, details: ErrorDetails) {
    super(`graph/${code}`, details)
  }
}

/** Two shapes that an operator can't join; names the operator and both shapes. */
export function shapeMismatch(op: string, a: readonly Dim[], b: readonly Dim[], rule: string): GraphError {
  return new GraphError('shape', {
    message: `${op}: shapes ${formatDims(a)} and ${formatDims(b)} do not fit: ${rule}`,
    hint: 'Compare the config with the tensors of the checkpoint, or the model code that calls this operator.',
  })
}
