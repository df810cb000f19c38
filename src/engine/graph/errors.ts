/** @file Errors of graph building: raised while a model is described, before anything runs. */

import { roomError } from '../../foundation/numeric/errors.ts'
import { type Dim, formatDims } from './dims.ts'

/** A graph that can't be built: shapes or types that don't fit. */
export class GraphError extends roomError('graph', {
  axis: 1,
  dtype: 1,
  empty: 1,
  'free-symbol': 1,
  name: 1,
  'no-gradient': 1,
  'no-output': 1,
  'not-scalar': 1,
  'other-graph': 1,
  'output-name': 1,
  patches: 1,
  permutation: 1,
  shape: 1,
  slice: 1,
  symbolic: 1,
}) {}

/** Two shapes that an operator can't join; names the operator and both shapes. */
export function shapeMismatch(op: string, a: readonly Dim[], b: readonly Dim[], rule: string): GraphError {
  return new GraphError('shape', {
    message: `${op}: shapes ${formatDims(a)} and ${formatDims(b)} do not fit: ${rule}`,
    hint: 'Compare the config with the tensors of the checkpoint, or the model code that calls this operator.',
  })
}
