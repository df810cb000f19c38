/** @file Compiled graphs written by hand in the ONNX schema, so that the runtime is tested without the graph builder. */

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { CompiledGraph, FeedSlot, WeightPlacement, WeightSlot } from '../src/graph/compiled.ts'
import {
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from '../src/graph/generated/onnx_pb.ts'
import type { DType } from '../src/numeric/tensor.ts'

export const ONNX_TYPE: { readonly [T in DType]: TensorProto_DataType } = {
  f32: TensorProto_DataType.FLOAT,
  f16: TensorProto_DataType.FLOAT16,
  bf16: TensorProto_DataType.BFLOAT16,
  i64: TensorProto_DataType.INT64,
  i32: TensorProto_DataType.INT32,
  i8: TensorProto_DataType.INT8,
  u8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
}

interface HandMade {
  inputs: FeedSlot[]
  outputs: FeedSlot[]
  weights?: WeightSlot[]
  nodes: MessageInitShape<typeof NodeProtoSchema>[]
}

function valueInfo({ name, dtype, dims }: FeedSlot): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = dims.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  )
  return { name, type: { value: { case: 'tensorType', value: { elemType: ONNX_TYPE[dtype], shape: { dim } } } } }
}

function initializer({ name, dims }: WeightSlot, placed: WeightPlacement): MessageInitShape<typeof TensorProtoSchema> {
  const shape = dims.map(BigInt)
  if (placed.kind === 'inline') {
    const { dtype, data } = placed.tensor
    return { name, dims: shape, dataType: ONNX_TYPE[dtype], rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
  }
  const externalData = Object.entries({ location: placed.location, offset: `${placed.offset}`, length: `${placed.length}` })
  return {
    name,
    dims: shape,
    dataType: ONNX_TYPE[placed.dtype],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: externalData.map(([key, value]) => ({ key, value })),
  }
}

export function handMadeGraph({ inputs, outputs, weights = [], nodes }: HandMade): CompiledGraph {
  return {
    inputs,
    outputs,
    weights,
    encode(place) {
      const placed = weights.map((slot) => ({ slot, at: place(slot) }))
      const overridable = placed
        .filter(({ at }) => at.alsoInput)
        .map(({ slot, at }) => ({ ...slot, dtype: at.kind === 'inline' ? at.tensor.dtype : at.dtype }))
      const model = create(ModelProtoSchema, {
        irVersion: 10n,
        opsetImport: [{ domain: '', version: 21n }],
        graph: {
          name: 'hand-made',
          node: nodes,
          input: [...inputs, ...overridable].map(valueInfo),
          output: outputs.map(valueInfo),
          initializer: placed.map(({ slot, at }) => initializer(slot, at)),
        },
      })
      return toBinary(ModelProtoSchema, model)
    },
  }
}

/** `y = x · w`, `x [batch, rows] f32`, `w [rows, columns]` of any floating type, cast to f32 where it isn't. */
export function productGraph(rows: number, columns: number, stored: DType = 'f32'): CompiledGraph {
  const cast = {
    opType: 'Cast',
    input: ['w'],
    output: ['w32'],
    attribute: [{ name: 'to', type: 2, i: BigInt(TensorProto_DataType.FLOAT) }],
  }
  return handMadeGraph({
    inputs: [{ name: 'x', dtype: 'f32', dims: ['batch', rows] }],
    outputs: [{ name: 'y', dtype: 'f32', dims: ['batch', columns] }],
    weights: [{ name: 'w', dtype: stored, dims: [rows, columns] }],
    nodes: [...(stored === 'f32' ? [] : [cast]), { opType: 'MatMul', input: ['x', stored === 'f32' ? 'w' : 'w32'], output: ['y'] }],
  })
}

/** A graph that no engine accepts. */
export const graphOfUnknownOperator: CompiledGraph = handMadeGraph({
  inputs: [{ name: 'ids', dtype: 'i64', dims: ['batch'] }],
  outputs: [{ name: 'y', dtype: 'i64', dims: ['batch'] }],
  nodes: [{ opType: 'NoSuchOperator', input: ['ids'], output: ['y'] }],
})
