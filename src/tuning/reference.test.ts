/**
 * @file A whole tuning against the reference: LLaVA with adapters in tower and decoder, InfoNCE, three AdamW steps, all from pixels and ids.
 * Vectors, losses, every gradient, every weight after every step.
 */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { goldenDir, hasGolden } from '../../test/golden.ts'
import { adapterParameters } from '../checkpoint/adapter.ts'
import { readAdapter } from '../checkpoint/adapter-folder.ts'
import { readJson } from '../checkpoint/file.ts'
import { openCheckpoint } from '../checkpoint/folder.ts'
import { loadSafetensors } from '../checkpoint/safetensors.ts'
import { llava } from '../families/llava/index.ts'
import { bindVisionLanguage } from '../families/model.ts'
import { checkpointWeights } from '../families/weights.ts'
import { compile, Graph, gradients, l2Normalize, reshape, slice, type Value } from '../graph/index.ts'
import { decodeImage } from '../media/index.ts'
import { rootScope } from '../nn/index.ts'
import { toF32 } from '../numeric/float.ts'
import { f32, i64, type Tensor } from '../numeric/tensor.ts'
import { openSession } from '../runtime/session.ts'
import { adamW, openOptimizer, schedule, train } from '../training/index.ts'
import { infoNce } from './losses.ts'

const rows = z.array(z.array(z.number()))
const settings = z.object({
  temperature: z.number(),
  queries: z.array(z.object({ prompt: z.string(), images: z.array(z.string()) })),
  optimizer: z.object({ lr: z.number(), weight_decay: z.number() }),
  losses: z.array(z.number()),
  without_gradient: z.array(z.string()),
  query_ids: rows,
  query_mask: rows,
  target_ids: rows,
  target_mask: rows,
})

const fixture = goldenDir('tune-lora-llava')
const matrix = (values: number[][]) => i64([values.length, values[0]!.length], values.flat())

/** Module paths in the adapter are those of the newer releases. */
const stored = (name: string) => `model.${name}`

test.runIf(hasGolden('tune-lora-llava'))('three steps equal the reference', async () => {
  const given = await readJson(join(fixture, 'cases.json'), settings)
  const expected = await loadSafetensors(join(fixture, 'tensors.safetensors'))
  const checkpoint = await openCheckpoint(join(fixture, 'checkpoint'))
  const model = bindVisionLanguage(llava, checkpoint.config)
  const processor = await model.processor(checkpoint.dir)
  const items = await Promise.all(
    given.queries.map(async ({ prompt, images }) => {
      const pictures = await Promise.all(images.map((file) => decodeImage(join(fixture, 'images', file))))
      return processor.prepare(prompt, pictures)
    }),
  )

  // Left-padded as the reference ran it; image rows of item `i` follow those of the items before.
  const seq = given.query_ids[0]!.length
  const tokens = Math.max(...items[0]!.imageIndex) + 1
  const imageIndex = items.flatMap((item, i) => [
    ...Array.from({ length: seq - item.inputIds.length }, () => -1),
    ...item.imageIndex.map((row) => (row < 0 ? -1 : i * tokens + row)),
  ])
  for (const [i, item] of items.entries()) expect(item.inputIds).toEqual(given.query_ids[i]!.slice(seq - item.inputIds.length))
  const views = items.flatMap((item) => item.views)
  const feeds: Record<string, Tensor> = {
    pixel_values: f32([views.length, ...views[0]!.dims], Float32Array.from(views.flatMap(({ data }) => [...data]))),
    query_ids: matrix(given.query_ids),
    query_mask: matrix(given.query_mask),
    image_index: i64([items.length, seq], imageIndex),
    target_ids: matrix(given.target_ids),
    target_mask: matrix(given.target_mask),
  }

  const adapter = await readAdapter(join(fixture, 'adapter-0'))
  const graph = new Graph()
  const weights = checkpointWeights(checkpoint, model.weightSpellings)
  const scope = rootScope(graph, {
    storedDtype: weights.storedDtype,
    adapter: (name) => {
      const update = adapter.modules.get(stored(name))
      return update && { rank: update.down.dims[0]!, scale: update.scale }
    },
  })
  const ids = (name: string) => graph.input(name, 'i64', feeds[name]!.dims)
  const last = (norm: Value<'f32'>) => l2Normalize(reshape(slice(norm, 1, -1), [norm.dims[0]!, norm.dims[2]!]))
  const vision = model.buildVision(scope, graph.input('pixel_values', 'f32', feeds.pixel_values!.dims))
  const pictures = { imageRows: vision.rows, imageIndex: ids('image_index') }
  const query = last(model.buildDecoder(scope, { inputIds: ids('query_ids'), attentionMask: ids('query_mask'), ...pictures }).norm)
  const target = last(model.buildDecoder(scope, { inputIds: ids('target_ids'), attentionMask: ids('target_mask') }).norm)
  const loss = infoNce(query, target, { temperature: given.temperature })
  const trained = graph.nodes.flatMap(({ attributes, output }) =>
    'placement' in attributes && attributes.placement === 'fed' && isFloat(output) ? [{ name: attributes.name, value: output }] : [],
  )
  const found = gradients(
    loss,
    trained.map(({ value }) => value),
  )
  for (const [name, value] of Object.entries({ loss, query, target })) graph.output(name, value)
  for (const [i, { name }] of trained.entries()) graph.output(`gradient/${name}`, found[i]!)

  const all = adapterParameters(adapter)
  const parameters = Object.fromEntries(trained.map(({ name }) => [name, all[stored(name)]!]))
  const compared = new Set<string>()
  const compare = (key: string, got: Tensor, atol: number) => {
    compared.add(key)
    expect(toF32(got).data, key).toBeAllClose(toF32(expected.get(key)!).data, { atol })
  }
  const session = await openSession(compile(graph), { weights, thread: 'caller', name: 'reference' })
  const optimizer = await openOptimizer(parameters, [
    { rule: adamW({ weightDecay: given.optimizer.weight_decay }), learningRate: given.optimizer.lr },
  ])
  const losses: number[] = []
  await train({
    parameters,
    optimizer,
    schedule: schedule({ steps: 10, warmup: 2 }),
    steps: 3,
    gradient: async ({ step }) => {
      const outputs = await session.run({ ...feeds, ...parameters })
      if (step === 0) for (const name of ['query', 'target']) compare(`step0/${name}`, outputs[name]!, 1e-5)
      const got = Object.fromEntries(trained.map(({ name }) => [name, toF32(outputs[`gradient/${name}`]!)]))
      for (const [name, gradient] of Object.entries(got)) {
        const key = `step${step}/grad/${stored(name)}`
        const magnitude = toF32(expected.get(key)!).data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
        compare(key, gradient, Math.max(1e-6, 1e-4 * magnitude))
      }
      return { loss: Number(outputs.loss!.data[0]), metrics: {}, gradients: got }
    },
    onProgress: ({ step, loss }) => {
      losses.push(loss)
      for (const [name, parameter] of Object.entries(parameters)) compare(`step${step - 1}/after/${stored(name)}`, parameter, 2e-5)
    },
  })
  expect(losses).toBeAllClose(given.losses, { atol: 1e-4 })
  const { query: final } = await session.run({ ...feeds, ...parameters }, { outputs: ['query'] })
  compare('final/query', final!, 1e-5)
  await session.close()

  // Every tensor but the merged ones, which adapter.test.ts compares, and those of layers that the loss doesn't reach.
  const left = [...expected.keys()].filter((key) => !compared.has(key) && !key.startsWith('merged/'))
  expect(left.filter((key) => !given.without_gradient.some((name) => key.endsWith(name)))).toEqual([])
})

function isFloat(value: Value): value is Value<'f32'> {
  return value.dtype === 'f32'
}
