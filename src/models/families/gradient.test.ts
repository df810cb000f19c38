import { expect, test } from 'vitest'
import { gradients } from '../../engine/graph/backward.ts'
import { compile } from '../../engine/graph/compile.ts'
import { mul } from '../../engine/graph/elementwise.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { reduceMean, reduceSum } from '../../engine/graph/reduction.ts'
import type { Attention } from '../../engine/nn/attention.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import { initialWeights } from './initial.ts'
import { llava } from './llava/index.ts'
import { bindVisionLanguage } from './model.ts'
import { parametersOf } from './weights.ts'

const tiny = {
  model_type: 'llava',
  image_token_index: 7,
  vision_feature_select_strategy: 'full',
  vision_config: {
    model_type: 'siglip_vision_model',
    hidden_size: 8,
    intermediate_size: 16,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    image_size: 4,
    patch_size: 2,
  },
  text_config: {
    vocab_size: 10,
    hidden_size: 8,
    intermediate_size: 16,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
  },
}

test.each(['causal', 'bidirectional', { block: 2 }] as const)(
  'one graph from pixels to states, %j: gradients reach tower, projector, embeddings and decoder',
  async (attention) => {
    const model = bindVisionLanguage(llava, tiny)
    const graph = new Graph()
    const scope = rootScope(graph, { trainable: () => true })
    const { rows } = model.buildVision(scope, graph.input('pixel_values', 'f32', ['views', 3, 4, 4]))
    const ids = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
    const [inputIds, attentionMask, imageIndex] = [
      ids('input_ids'),
      ids('attention_mask'),
      ids('image_index'),
    ]
    const inputs = { inputIds, attentionMask, imageIndex, imageRows: rows }
    const { norm } = model.buildDecoder(scope, inputs, { attention })
    // Two rows, the second one left-padded: positions before the first token must not matter.
    const weighted = mul(norm, graph.input('weights', 'f32', ['batch', 'seq', 8]))
    const loss = reduceMean(weighted)
    const watched = [
      'vision_tower.vision_model.embeddings.patch_embedding.weight',
      'multi_modal_projector.linear_1.bias',
      'language_model.embed_tokens.weight',
      'language_model.layers.0.self_attn.k_proj.weight',
      'language_model.layers.0.mlp.gate_proj.weight',
    ]
    const parameters = parametersOf(graph)
    const values = watched.map((name) =>
      graph.parameter(name, 'f32', parameters.find((slot) => slot.name === name)!.dims, 'fed'),
    )
    graph.output('loss', loss)
    for (const [i, gradient] of gradients(loss, values).entries())
      graph.output(`grad ${watched[i]}`, gradient)
    const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })

    const normal = (dims: number[], key: string) =>
      f32(dims, fillNormal(new Float32Array(dims.reduce((a, b) => a * b)), 1, stream(3, key)))
    const weights = normal([2, 6, 8], 'weights')
    weights.data.fill(0, 48, 64)
    const feeds: Record<string, Tensor> = {
      ...initialWeights(parameters, { seed: 3, layers: 1, std: 0.5 }),
      pixel_values: normal([2, 3, 4, 4], 'pixels'),
      input_ids: i64([2, 6], [7, 7, 7, 7, 1, 2, 0, 0, 3, 7, 7, 4]),
      attention_mask: i64([2, 6], [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1]),
      image_index: i64([2, 6], [0, 1, 2, 3, -1, -1, -1, -1, -1, 4, 7, -1]),
      weights,
    }
    const used = new Set(session.inputs.map(({ name }) => name))
    const run = async (changed: Record<string, Tensor>) =>
      session.run(
        Object.fromEntries(Object.entries({ ...feeds, ...changed }).filter(([name]) => used.has(name))),
      )
    const results = await run({})
    for (const name of watched) {
      // Along the gradient itself, where the loss moves most and rounding weighs least.
      const gradient = Array.from(results[`grad ${name}`]!.data, Number)
      const slope = Math.hypot(...gradient)
      const base = feeds[name]!
      const along = async (step: number) => {
        const moved = f32(
          base.dims,
          Float32Array.from(gradient, (g, i) => Number(base.data[i]) + (step * g) / slope),
        )
        return Number((await run({ [name]: moved })).loss!.data[0])
      }
      const numeric = ((await along(0.01)) - (await along(-0.01))) / 0.02
      expect(slope, name).toBeGreaterThan(1e-3)
      expect(numeric / slope, name).toBeCloseTo(1, 2)
    }
    await session.close()
  },
)

/** Gradients of the sum of weighted states with respect to one projection, and the states. */
async function decoded(ids: readonly (readonly number[])[], side: 'left' | 'right', attention: Attention) {
  const name = 'language_model.layers.0.self_attn.k_proj.weight'
  const model = bindVisionLanguage(llava, tiny)
  const graph = new Graph()
  const scope = rootScope(graph, { trainable: () => true })
  const whole = (input: string) => graph.input(input, 'i64', ['batch', 'seq'])
  const inputs = { inputIds: whole('input_ids'), attentionMask: whole('attention_mask') }
  const { norm } = model.buildDecoder(scope, inputs, { attention })
  const parameters = parametersOf(graph)
  const dims = parameters.find((slot) => slot.name === name)!.dims
  const weighted = mul(norm, graph.input('weights', 'f32', ['batch', 'seq', 8]))
  graph.output('norm', norm)
  graph.output('gradient', gradients(reduceSum(weighted), [graph.parameter(name, 'f32', dims, 'fed')])[0]!)
  const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })
  const seq = Math.max(...ids.map(({ length }) => length))
  const padded = <T>(fill: T, of: (row: readonly number[]) => readonly T[]) =>
    ids.flatMap((row) => {
      const padding = new Array<T>(seq - row.length).fill(fill)
      return side === 'left' ? [...padding, ...of(row)] : [...of(row), ...padding]
    })
  const weights = padded(new Array<number>(8).fill(0), (row) =>
    row.map((id, at) => Array.from({ length: 8 }, (_, i) => Math.sin(id * 8 + at + i))),
  ).flat()
  const initial = initialWeights(parameters, { seed: 3, layers: 1, std: 0.5 })
  const used = new Set(session.inputs.map((input) => input.name))
  const feeds: Record<string, Tensor> = {
    ...initial,
    input_ids: i64(
      [ids.length, seq],
      padded(0, (row) => row),
    ),
    attention_mask: i64(
      [ids.length, seq],
      padded(0, (row) => row.map(() => 1)),
    ),
    weights: f32([ids.length, seq, 8], weights),
  }
  const results = await session.run(
    Object.fromEntries(Object.entries(feeds).filter(([input]) => used.has(input))),
  )
  await session.close()
  const states = ids.map((row, i) => {
    const start = (i * seq + (side === 'left' ? seq - row.length : 0)) * 8
    return Array.from(results.norm!.data.slice(start, start + row.length * 8), Number)
  })
  return { gradient: Array.from(results.gradient!.data, Number), states }
}

test.each([
  ['left', 'causal'],
  ['right', { block: 2 }],
  ['left', { block: 2 }],
  ['left', { block: 3 }],
] as const)(
  'a batch padded on the %s, %j, has the states and the gradient of its rows alone',
  async (side, attention) => {
    const ids = [
      [1, 2, 3, 4, 5],
      [6, 8, 9],
    ]
    const whole = await decoded(ids, side, attention)
    const alone = await Promise.all(ids.map((row) => decoded([row], side, attention)))
    for (const [i, { states }] of alone.entries())
      expect(whole.states[i]).toBeAllClose(states[0]!, { atol: 1e-5 })
    const sum = alone[0]!.gradient.map((value, i) => value + alone[1]!.gradient[i]!)
    expect(Math.hypot(...sum)).toBeGreaterThan(0.01)
    expect(whole.gradient).toBeAllClose(sum, { atol: 1e-5 })
  },
)

test('a block of one is causal, one of the whole length bidirectional, one of two neither', async () => {
  const ids = [[1, 2, 3, 4, 5]]
  const states = async (attention: Attention) => (await decoded(ids, 'right', attention)).states[0]!
  expect(await states({ block: 1 })).toBeAllClose(await states('causal'), { atol: 1e-6 })
  expect(await states({ block: 5 })).toBeAllClose(await states('bidirectional'), { atol: 1e-6 })
  expect(await states({ block: 2 })).not.toBeAllClose(await states('causal'), { atol: 1e-3 })
  expect(await states({ block: 2 })).not.toBeAllClose(await states('bidirectional'), { atol: 1e-3 })
})
