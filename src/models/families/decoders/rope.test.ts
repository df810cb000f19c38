import { describe, expect, test } from 'vitest'
import oracle from '../../../../test/fixtures/rope/scaling.json' with { type: 'json' }
import { compile } from '../../../engine/graph/compile.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { plainFrequencies, rotaryOf } from '../../../engine/nn/rotary.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { parseConfigWith } from '../config.ts'
import { initialWeights } from '../initial.ts'
import { parseQwenVlConfig, type QwenVersion } from '../qwen-vl/config.ts'
import { parametersOf } from '../weights.ts'
import { type TextShape, textConfigs } from './config.ts'
import { gatedDecoder, rotaryShape } from './gated.ts'

const plain = { rope_theta: 1e4, hidden_size: 256, num_attention_heads: 4, max_position_embeddings: 4096 }
const parse = (config: object, kind: 'llama' | 'qwen2' | 'mistral' = 'llama') =>
  parseConfigWith(textConfigs[kind], config, 'text_config')

/** The decoder of a config, and for Qwen-VL the tower that has to fit it. */
function shapeOf({ kind, config }: { kind: string; config: { hidden_size: number } }): TextShape {
  if (kind === 'llama' || kind === 'qwen2') return parse(config, kind)
  const width = config.hidden_size
  const version: QwenVersion = kind === 'qwen3-vl' ? 'qwen3-vl' : 'qwen2.5-vl'
  return parseQwenVlConfig(
    { text_config: config, vision_config: { out_hidden_size: width, hidden_size: 1280 } },
    version,
  ).text
}

async function run(
  graph: Graph,
  feeds: Record<string, Tensor>,
  weights: Record<string, Tensor> = {},
): Promise<Record<string, Tensor>> {
  const session = await openSession(compile(graph), { weights: memoryWeights(weights), thread: 'caller' })
  const results = await session.run(feeds)
  await session.close()
  return results
}

describe.each(oracle.cases)('$name', (each) => {
  const shape = shapeOf(each)

  test('frequencies and magnitude are those of transformers', () => {
    const { frequencies, magnitude } = shape.ropeScaling ?? {
      frequencies: plainFrequencies(shape.ropeTheta, shape.headDim),
      magnitude: 1,
    }
    expect(frequencies).toBeAllClose(each.frequencies, { atol: 0, rtol: 1e-6 })
    expect(magnitude).toBeCloseTo(each.magnitude, 7)
  })

  test('so are cosines and sines', async () => {
    const graph = new Graph()
    const { cos, sin } = rotaryOf(graph, graph.input('positions', 'i64', ['seq']), rotaryShape(shape))
    graph.output('cos', cos)
    graph.output('sin', sin)
    const results = await run(graph, { positions: i64([oracle.positions.length], oracle.positions) })
    // The reference's angles are products of floats: at position 300 they are off by 300 · 2⁻²⁴ at
    // most, a few times over.
    expect(results.cos!.data).toBeAllClose(each.cos, { atol: 5e-5 })
    expect(results.sin!.data).toBeAllClose(each.sin, { atol: 5e-5 })
  })
})

test('a decoder turns by the scaled rotation: with factor 2, every second position is a plain one', async () => {
  const tiny = {
    vocab_size: 8,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    rope_theta: 100,
  }
  const states = async (rope: object, positions: number[]) => {
    const shape = parse({ ...tiny, ...rope })
    const graph = new Graph()
    const input = graph.input('hidden', 'f32', [1, positions.length, 8])
    const { norm } = gatedDecoder(rootScope(graph), shape, input, {
      pattern: 'causal',
      keep: graph.input('keep', 'i64', [1, positions.length]),
      positions: graph.input('positions', 'i64', [1, positions.length]),
    })
    graph.output('norm', norm)
    const dims = [1, positions.length]
    const hidden = f32(
      [...dims, 8],
      Float32Array.from({ length: positions.length * 8 }, (_, i) => Math.sin(i * i)),
    )
    const feeds = {
      hidden,
      keep: i64(dims, new Array(positions.length).fill(1)),
      positions: i64(dims, positions),
    }
    return (await run(graph, feeds, initialWeights(parametersOf(graph), { seed: 1, layers: 1, std: 1 })))
      .norm!.data
  }
  const expected = await states({}, [0, 1, 2, 3])
  expect(await states({ rope_scaling: { type: 'linear', factor: 2 } }, [0, 2, 4, 6])).toBeAllClose(
    Array.from(expected, Number),
    {
      atol: 1e-5,
    },
  )
  expect(await states({}, [0, 2, 4, 6])).not.toBeAllClose(Array.from(expected, Number), { atol: 1e-2 })
})

test.each<[what: string, rope: object, positions: number]>([
  ['plain', {}, 4096],
  [
    'linear: the file has the length before scaling',
    { rope_scaling: { type: 'linear', factor: 2.5 } },
    10_240,
  ],
  ['dynamic: only where it is plain', { rope_scaling: { type: 'dynamic', factor: 2 } }, 4096],
  [
    'YaRN: factor times the original length',
    { rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 2048 } },
    8192,
  ],
  [
    'YaRN: a longer length in the file',
    { rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 512 } },
    4096,
  ],
  ['newer spelling', { rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 5e5 } }, 8192],
])('%s: how many positions it serves', (_, rope, positions) => {
  expect(parse({ ...plain, ...rope }).maxPositions).toBe(positions)
})

describe('a rotation that is not computed is refused', () => {
  const llama3 = {
    rope_type: 'llama3',
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  }
  test.each<[what: string, config: object, reason: RegExp]>([
    [
      'an unknown kind',
      { rope_scaling: { rope_type: 'longrope', factor: 2 } },
      /rope_scaling\.rope_type: .*"default"\|"linear"/,
    ],
    ['an unknown kind, older key', { rope_scaling: { type: 'ntk', factor: 2 } }, /rope_scaling\.type/],
    [
      'sections without Qwen',
      { rope_scaling: { type: 'mrope', mrope_section: [1, 1, 1] } },
      /rope_scaling\.type/,
    ],
    ['no factor', { rope_scaling: { type: 'linear' } }, /rope_scaling\.factor: linear needs it/],
    ['no kind', { rope_scaling: { factor: 2 } }, /rope_scaling: a factor, but no rope_type/],
    [
      'two kinds',
      { rope_scaling: { type: 'linear', rope_type: 'yarn', factor: 2 } },
      /linear and rope_type yarn contradict/,
    ],
    [
      'half of llama3',
      { rope_parameters: { ...llama3, low_freq_factor: null } },
      /rope_parameters\.low_freq_factor: llama3 needs it/,
    ],
    ['a part of the head', { partial_rotary_factor: 0.5 }, /partial_rotary_factor/],
    [
      'a part of the head, newest key',
      { rope_parameters: { rope_type: 'default', partial_rotary_factor: 0.5 } },
      /partial_rotary_factor/,
    ],
  ])('%s', (_, config, reason) => {
    expect(() => parse({ ...plain, ...config })).toThrow(reason)
  })
})
