import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { tensor } from '../../foundation/numeric/tensor.ts'
import { compile } from '../graph/compile.ts'
import { type ModelProto, ModelProtoSchema, TensorProto_DataType } from '../graph/generated/onnx_pb.ts'
import { Graph } from '../graph/graph.ts'
import { linear } from '../graph/matmul.ts'
import { concat } from '../graph/shaping.ts'
import { rootScope } from '../nn/scope.ts'
import { DEVICES, takesHalves } from './devices.ts'
import { type MemoryMode, placeWeights } from './placement.ts'
import { locateWeights, memoryWeights } from './weights.ts'

/**
 * A table of embeddings that is the output layer's matrix too, as many checkpoints have it, stored
 * as f16.
 */
async function placed(options: { memory: MemoryMode; halves: boolean }): Promise<ModelProto> {
  const graph = new Graph()
  const scope = rootScope(graph, { storedDtype: () => 'f16' })
  const rows = scope.rows('table', [5, 4], graph.input('ids', 'i64', ['n']))
  graph.output('y', concat([rows, linear(rows, scope.weight('table', [5, 4]), scope.weight('bias', [5]))], 1))
  const compiled = compile(graph)
  const half = (dims: number[]) => tensor('f16', dims, new Uint16Array(dims.reduce((a, b) => a * b)))
  const source = memoryWeights({ table: half([5, 4]), bias: half([5]) })
  const { model } = await placeWeights(compiled, locateWeights(compiled, source), options)
  return fromBinary(ModelProtoSchema, model as Uint8Array)
}

/** Types of the nodes that read an f16 weight. */
function readers({ graph }: ModelProto): string[] {
  const halves = new Set(
    graph!.initializer
      .filter(({ dataType }) => dataType === TensorProto_DataType.FLOAT16)
      .map(({ name }) => name),
  )
  expect(halves).toEqual(new Set(['table', 'bias']))
  return [
    ...new Set(
      graph!.node.filter(({ input }) => input.some((name) => halves.has(name))).map(({ opType }) => opType),
    ),
  ].sort()
}

const inputs = ({ graph }: ModelProto) => graph!.input.map(({ name }) => name)

describe('a device that may lack f16', () => {
  test.each(['fast', 'low'] as const)(
    'memory %s: nothing but casts of constants reads f16 weights, which the engine folds when it opens',
    async (memory) => {
      const model = await placed({ memory, halves: false })
      expect(readers(model)).toEqual(['Cast'])
      // The engine does not fold a value that is listed as an input.
      expect(inputs(model)).toEqual(['ids'])
    },
  )

  test('is each device of WebGPU, and no other', () => {
    expect(DEVICES.filter((device) => !takesHalves(device))).toEqual(['webgpu'])
  })
})

test('elsewhere rows are looked up in f16, and low memory keeps the weights as they are', async () => {
  const model = await placed({ memory: 'low', halves: true })
  expect(readers(model)).toEqual(['Cast', 'Gather'])
  expect(inputs(model)).toEqual(['ids', 'table', 'bias'])
})
