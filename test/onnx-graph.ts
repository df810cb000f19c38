/**
 * @file Compiled graphs whose nodes are written by hand, so that the runtime is tested without the
 * graph builder.
 */

import type { CompiledGraph, FeedSlot, WeightSlot } from '../src/engine/graph/compiled.ts'
import { attributeMessage, modelBytes, type NodeMessage, ONNX_TYPE } from '../src/engine/graph/onnx-model.ts'
import type { DType } from '../src/foundation/numeric/tensor.ts'

interface HandMade {
  inputs: FeedSlot[]
  outputs: FeedSlot[]
  weights?: WeightSlot[]
  nodes: NodeMessage[]
}

export function handMadeGraph({ inputs, outputs, weights = [], nodes }: HandMade): CompiledGraph {
  return {
    inputs,
    outputs,
    weights,
    encode: (place) => modelBytes({ inputs, outputs, weights, constants: [], nodes }, place),
  }
}

/**
 * `y = x · w`, `x [batch, rows] f32`, `w [rows, columns]` of any floating type, cast to f32 where
 * it isn't.
 */
export function productGraph(rows: number, columns: number, stored: DType = 'f32'): CompiledGraph {
  const cast = {
    opType: 'Cast',
    input: ['w'],
    output: ['w32'],
    attribute: [attributeMessage('to', ONNX_TYPE.f32)],
  }
  return handMadeGraph({
    inputs: [{ name: 'x', dtype: 'f32', dims: ['batch', rows] }],
    outputs: [{ name: 'y', dtype: 'f32', dims: ['batch', columns] }],
    weights: [{ name: 'w', dtype: stored, dims: [rows, columns] }],
    nodes: [
      ...(stored === 'f32' ? [] : [cast]),
      { opType: 'MatMul', input: ['x', stored === 'f32' ? 'w' : 'w32'], output: ['y'] },
    ],
  })
}

/** A graph that no engine accepts. */
export const graphOfUnknownOperator: CompiledGraph = handMadeGraph({
  inputs: [{ name: 'ids', dtype: 'i64', dims: ['batch'] }],
  outputs: [{ name: 'y', dtype: 'i64', dims: ['batch'] }],
  nodes: [{ opType: 'NoSuchOperator', input: ['ids'], output: ['y'] }],
})
