/**
 * @file An adapter on the linear layers of every family: live and merged give the same vectors,
 * which are not the base's.
 */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { goldenDir } from '../../../test/golden.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { fillNormal, stream } from '../../foundation/numeric/random.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { type Adapter, initialAdapter, type LowRankUpdate } from '../checkpoint/adapter.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import type { Model } from '../families/model.ts'
import { modelParameters } from '../families/parameters.ts'
import { modelOf } from '../families/registry.ts'
import { Embedder } from './embedder.ts'

/** Linear layers of the whole model but the head, by canonical name. */
function linears(model: Model): Set<string> {
  const names = new Set<string>()
  const graph = new Graph()
  const scope = rootScope(graph, {
    adapter: (name) => {
      names.add(name)
      return undefined
    },
  })
  const pixels = graph.input('pixel_values', 'f32', ['views', ...model.shape.view])
  if (model.kind === 'dual-encoder') {
    model.buildImage(scope, pixels)
    model.buildText(scope, graph.input('input_ids', 'i64', ['batch', model.shape.textLength]))
  } else {
    model.buildVision(scope, pixels)
    const ids = (name: string) => graph.input(name, 'i64', ['batch', 'seq'])
    model.buildDecoder(scope, { inputIds: ids('input_ids'), attentionMask: ids('attention_mask') })
  }
  return names
}

/** DoRA with values everywhere, its modules spelled as newer releases do (the last spelling). */
function adapterFor(model: Model): Adapter {
  const random = (name: string, dims: number[]) =>
    f32(dims, fillNormal(new Float32Array(dims.reduce((a, b) => a * b)), 0.1, stream(5, name)))
  const adapted = linears(model)
  const modules = modelParameters(model, { head: false }).flatMap(
    ({ name, dims }): [string, LowRankUpdate][] => {
      if (!adapted.has(name.replace(/\.weight$/, '')) || !name.endsWith('.weight')) return []
      const [outFeatures = 0, inFeatures = 0] = dims
      const magnitude = f32(
        [outFeatures],
        Float32Array.from({ length: outFeatures }, (_, i) => 0.8 + (i % 3) * 0.2),
      )
      const update = {
        down: random(`${name} A`, [2, inFeatures]),
        up: random(`${name} B`, [outFeatures, 2]),
        scale: 2,
        magnitude,
      }
      return [
        [
          model
            .weightSpellings(name)
            .at(-1)!
            .replace(/\.weight$/, ''),
          update,
        ],
      ]
    },
  )
  const { config } = initialAdapter([], { rank: 2, alpha: 4, seed: 0 })
  return { config: { ...config, dora: true }, modules: new Map(modules) }
}

const families = [
  'llava',
  'llava-next',
  'llava-onevision',
  'qwen2-vl',
  'qwen2.5-vl',
  'qwen3-vl',
  'idefics3',
  'smolvlm',
  'clip',
  'siglip',
  'siglip2',
  'lavida-llada',
  'lavida-dream',
]

test.each(families)(
  '%s',
  async (name) => {
    const dir = join(goldenDir(name), 'checkpoint')
    const model = modelOf((await openCheckpoint(dir)).config)
    const adapter = adapterFor(model)
    expect(adapter.modules.size).toBeGreaterThan(10)
    const image = {
      width: 40,
      height: 30,
      data: Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7) % 256),
    }
    const vectorsBy = async (options: Parameters<typeof Embedder.load>[1]) => {
      const embedder = await Embedder.load(dir, { ...options, threads: 1 })
      try {
        return (await embedder.embed([{ text: 'a cat' }, { image }])).vectors
      } finally {
        await embedder.close()
      }
    }
    const base = await vectorsBy({})
    const live = await vectorsBy({ adapter })
    const merged = await vectorsBy({ adapter, adapterMode: 'merged' })
    expect(merged.data).toBeAllClose(live.data, { atol: 1e-5 })
    for (const [start, end] of [
      [0, base.dims[1]],
      [base.dims[1], undefined],
    ])
      expect(live.data.slice(start, end)).not.toBeAllClose(base.data.slice(start, end), { atol: 1e-3 })
  },
  300_000,
)
