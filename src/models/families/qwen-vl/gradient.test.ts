import { expect, test } from 'vitest'
import { gradients } from '../../../engine/graph/backward.ts'
import { compile } from '../../../engine/graph/compile.ts'
import { mul } from '../../../engine/graph/elementwise.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { reduceMean } from '../../../engine/graph/reduction.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { fillNormal, stream } from '../../../foundation/numeric/random.ts'
import { f32, i64, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { decoderInputs, positionFeeds } from '../decoder-inputs.ts'
import { initialWeights } from '../initial.ts'
import { bindVisionLanguage } from '../model.ts'
import { parametersOf } from '../weights.ts'
import { parseQwenVlConfig } from './config.ts'
import { towerFeeds } from './geometry.ts'
import { qwen3Vl, qwen25Vl } from './index.ts'
import { multiAxisPositions } from './positions.ts'

const text = {
  vocab_size: 10,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
}
const rope = { rope_scaling: { type: 'default', mrope_section: [1, 1, 0] } }
const vision = {
  depth: 2,
  hidden_size: 8,
  intermediate_size: 16,
  num_heads: 2,
  patch_size: 2,
  out_hidden_size: 8,
}

const tiny = {
  windows: {
    model_type: 'qwen2_5_vl',
    ...text,
    ...rope,
    vision_config: { ...vision, window_size: 4, fullatt_block_indexes: [1] },
  },
  deepstack: {
    model_type: 'qwen3_vl',
    text_config: { ...text, ...rope, head_dim: 4 },
    vision_config: { ...vision, deepstack_visual_indexes: [0], num_position_embeddings: 9 },
  },
}

test.each([
  {
    name: 'windows',
    family: qwen25Vl,
    version: 'qwen2.5-vl',
    watched: [
      'visual.blocks.0.attn.qkv.weight',
      'visual.patch_embed.proj.weight',
      'visual.merger.ln_q.weight',
      'language_model.layers.0.self_attn.q_proj.bias',
    ],
  },
  {
    name: 'deepstack',
    family: qwen3Vl,
    version: 'qwen3-vl',
    watched: [
      'visual.pos_embed.weight',
      'visual.deepstack_merger_list.0.linear_fc1.weight',
      'visual.blocks.1.mlp.linear_fc2.bias',
      'language_model.layers.0.self_attn.k_norm.weight',
    ],
  },
] as const)('gradients reach the tower through $name', async ({ name, family, version, watched }) => {
  const model = bindVisionLanguage(family, tiny[name])
  const graph = new Graph()
  const scope = rootScope(graph, { trainable: () => true })
  const { rows } = model.buildVision(
    scope,
    graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
  )
  const inputs = decoderInputs(graph, model.shape)
  const { norm } = model.buildDecoder(scope, { ...inputs, imageRows: rows })
  const loss = reduceMean(mul(norm, graph.input('weights', 'f32', ['batch', 'seq', 8])))
  const parameters = parametersOf(graph)
  const values = watched.map((each) =>
    graph.parameter(each, 'f32', parameters.find((slot) => slot.name === each)!.dims, 'fed'),
  )
  graph.output('loss', loss)
  for (const [i, gradient] of gradients(loss, values).entries()) graph.output(`grad ${watched[i]}`, gradient)
  const session = await openSession(compile(graph), { weights: memoryWeights({}), thread: 'caller' })

  const normal = (dims: number[], key: string) =>
    f32(dims, fillNormal(new Float32Array(dims.reduce((a, b) => a * b)), 1, stream(3, key)))
  const grid = { rows: 1, columns: 3 }
  const feeds: Record<string, Tensor> = {
    ...initialWeights(parameters, { seed: 3, layers: 1, std: 0.5 }),
    ...towerFeeds(parseQwenVlConfig(tiny[name], version).vision, [grid, { rows: 2, columns: 1 }]),
    ...positionFeeds([{ positions: multiAxisPositions(7, [{ start: 1, grid }]) }], 7),
    pixel_values: normal([5, ...model.shape.view], 'pixels'),
    input_ids: i64([1, 7], [1, 0, 0, 0, 0, 0, 2]),
    attention_mask: i64([1, 7], [1, 1, 1, 1, 1, 1, 1]),
    image_index: i64([1, 7], [-1, 0, 1, 2, 3, 4, -1]),
    weights: normal([1, 7, 8], 'weights'),
  }
  const used = new Set(session.inputs.map((slot) => slot.name))
  const run = (changed: Record<string, Tensor>) =>
    session.run(
      Object.fromEntries(Object.entries({ ...feeds, ...changed }).filter(([input]) => used.has(input))),
    )
  const results = await run({})
  for (const each of watched) {
    // Along the gradient itself, where the loss moves most and rounding weighs least.
    const gradient = Array.from(results[`grad ${each}`]!.data, Number)
    const slope = Math.hypot(...gradient)
    const base = feeds[each]!
    const along = async (step: number) => {
      const moved = Float32Array.from(gradient, (g, i) => Number(base.data[i]) + (step * g) / slope)
      return Number((await run({ [each]: f32(base.dims, moved) })).loss!.data[0])
    }
    expect(slope, each).toBeGreaterThan(1e-4)
    expect(((await along(0.01)) - (await along(-0.01))) / 0.02 / slope, each).toBeCloseTo(1, 2)
  }
  await session.close()
})
