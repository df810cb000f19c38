/**
 * @file The ONNX messages that a graph is written with: typed slots, initializers, attributes. No
 * message is encoded by hand.
 */

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { DType, Tensor } from '../../foundation/numeric/tensor.ts'
import type { FeedSlot, WeightPlacement, WeightSlot } from './compiled.ts'
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from './generated/onnx_pb.ts'

export type NodeMessage = MessageInitShape<typeof NodeProtoSchema>
export type TensorMessage = MessageInitShape<typeof TensorProtoSchema>
type AttributeMessage = MessageInitShape<typeof AttributeProtoSchema>

/** ONNX element types. */
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

/**
 * A node attribute: whole numbers, text, or a list of whole numbers. Reals are written by `real`.
 */
export type AttributeValue = number | string | number[] | { real: number }

export function attributeMessage(name: string, value: AttributeValue): AttributeMessage {
  if (typeof value === 'string')
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: BigInt(value) }
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: value.map(BigInt) }
  return { name, type: AttributeType.FLOAT, f: value.real }
}

function slotMessage({ name, dtype, dims }: FeedSlot): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = dims.map((size) =>
    typeof size === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
      : { value: { case: 'dimParam' as const, value: size } },
  )
  return {
    name,
    type: { value: { case: 'tensorType', value: { elemType: ONNX_TYPE[dtype], shape: { dim } } } },
  }
}

/** An array written into the model itself. */
export function tensorMessage(name: string, { dtype, dims, data }: Tensor): TensorMessage {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return { name, dims: dims.map(BigInt), dataType: ONNX_TYPE[dtype], rawData }
}

/** Names of the two arrays that an `int8` weight becomes. */
export function int8Names(weight: string): { values: string; scales: string } {
  return { values: `${weight}.int8`, scales: `${weight}.scales` }
}

/** A weight: written into the model, or a pointer into a file or buffer. */
function weightMessages({ name, dims }: WeightSlot, placed: WeightPlacement): TensorMessage[] {
  if (placed.kind === 'inline') return [tensorMessage(name, placed.tensor)]
  if (placed.kind === 'external') return [externalMessage({ name, dims, dtype: placed.dtype }, placed)]
  const [out = 0, inner = 0] = dims
  const { values, scales } = int8Names(name)
  const { location, dtype } = placed
  return [
    externalMessage(
      { name: values, dims: [inner, out], dtype },
      { location, offset: placed.values, length: out * inner },
    ),
    externalMessage(
      { name: scales, dims: [out], dtype: 'f32' },
      { location, offset: placed.scales, length: 4 * out },
    ),
  ]
}

function externalMessage(
  { name, dims, dtype }: WeightSlot,
  at: { location: string; offset: number; length: number },
): TensorMessage {
  const externalData = Object.entries({
    location: at.location,
    offset: `${at.offset}`,
    length: `${at.length}`,
  })
  return {
    name,
    dims: dims.map(BigInt),
    dataType: ONNX_TYPE[dtype],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: externalData.map(([key, value]) => ({ key, value })),
  }
}

export interface ModelParts {
  inputs: FeedSlot[]
  outputs: FeedSlot[]
  weights: WeightSlot[]
  constants: TensorMessage[]
  nodes: NodeMessage[]
}

/**
 * The bytes of a model. Weights marked `alsoInput` are listed as inputs too: the engine then leaves
 * them as they are.
 */
export function modelBytes(
  { inputs, outputs, weights, constants, nodes }: ModelParts,
  place: (slot: WeightSlot) => WeightPlacement,
): Uint8Array {
  const placed = weights.map((slot) => ({ slot, at: place(slot) }))
  const overridable = placed.flatMap(({ slot, at }) =>
    at.kind === 'int8' || !at.alsoInput
      ? []
      : [{ ...slot, dtype: at.kind === 'inline' ? at.tensor.dtype : at.dtype }],
  )
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: '', version: 21n },
      { domain: 'com.microsoft', version: 1n },
    ],
    graph: {
      name: 'bifocal',
      node: nodes,
      input: [...inputs, ...overridable].map(slotMessage),
      output: outputs.map(slotMessage),
      initializer: [...constants, ...placed.flatMap(({ slot, at }) => weightMessages(slot, at))],
    },
  })
  return toBinary(ModelProtoSchema, model)
}
