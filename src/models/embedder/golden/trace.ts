/**
 * @file Every stage of one item on its way to a vector, with the embedder's own contract, adapter
 * and device.
 */

import { f32Of } from '../../../engine/runtime/results.ts'
import { joined } from '../../../foundation/numeric/rows.ts'
import { f32, i64, type Tensor, zeros } from '../../../foundation/numeric/tensor.ts'
import { type Item, keyItem, readItem } from '../../../inputs/data/item.ts'
import { decoderInputs, rowWidth } from '../../families/decoder-inputs.ts'
import type { DualEncoderModel, VisionLanguageModel } from '../../families/model.ts'
import { attentionOf } from '../attention.ts'
import { pairPreparer } from '../dual-encoder.ts'
import type { EncoderOptions } from '../encoder.ts'
import { layerStage, poolsOf } from '../readout.ts'
import { sequenceFeeds, sequencePreparer } from '../sequence.ts'
import { EmbedderSessions } from '../sessions.ts'
import type { Subject } from '../subject.ts'
import { readVectors } from '../vision-language.ts'

/**
 * Stages by name, in the order of the computation: tokens, pixels, vision, projector, inputs,
 * layers, norm, vector.
 */
export type Trace = ReadonlyMap<string, Tensor>

/**
 * Runs items one by one and keeps every stage. The memory must hold all states of an item.
 * @throws as `Embedder.embed`
 */
export async function traceItems({ model, encoder }: Subject, items: readonly Item[]): Promise<Trace[]> {
  const sessions = new EmbedderSessions(encoder)
  try {
    const trace =
      model.kind === 'dual-encoder'
        ? await dualEncoderTracer(model, encoder, sessions)
        : await sequenceTracer(model, encoder, sessions)
    const traces: Trace[] = []
    for (const item of items) traces.push(await trace(item))
    return traces
  } finally {
    await sessions.close()
  }
}

type Tracer = (item: Item) => Promise<Trace>

async function sequenceTracer(
  model: VisionLanguageModel,
  options: EncoderOptions,
  sessions: EmbedderSessions,
): Promise<Tracer> {
  const { contract, readouts } = options
  const prepare = await sequencePreparer(model, options)
  const tower = sessions.session('traced tower', (scope) => {
    const { stages, rows } = model.buildVision(
      scope,
      scope.graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
    )
    for (const [stage, value] of Object.entries(stages)) scope.graph.output(stage, value)
    scope.graph.output('rows', rows)
  })
  const decoder = sessions.session('traced decoder', (scope) => {
    const { graph } = scope
    const pieces = model.buildDecoder(scope, decoderInputs(graph, model.shape), {
      attention: attentionOf(contract, model.shape),
    })
    graph.output('inputs', pieces.inputs)
    for (const [i, layer] of pieces.layers.entries()) graph.output(layerStage(i), layer)
    graph.output('norm', pieces.norm)
    graph.output('vector', readVectors(pieces, readouts, graph)[0]!)
  })
  const decoderStages = [
    'inputs',
    ...Array.from({ length: model.shape.layers }, (_, i) => layerStage(i)),
    'norm',
    'vector',
  ]
  return async (given) => {
    const sequence = prepare(await readItem(await keyItem(given, contract.prompt.instruction)))
    const { inputIds, positions, views, visionFeeds } = sequence.item
    const stages: [string, Tensor | undefined][] = [
      ['input_ids', i64([inputIds.length], inputIds)],
      ['position_ids', positions && i64([positions.length, inputIds.length], positions.flat())],
    ]
    const pixels = joined(views.map((view) => f32([1, ...view.dims], view.data)))
    let rows = zeros([1, rowWidth(model.shape)])
    if (pixels !== undefined) {
      const results = await tower.run({ pixel_values: pixels, ...visionFeeds })
      rows = f32Of(results, 'rows')
      const seen = Object.entries(results).filter(([stage]) => stage !== 'rows')
      stages.push(['pixel_values', pixels], ...seen)
    }
    const read = await decoder.run(
      sequenceFeeds([sequence], { rows, index: ({ item }) => item.imageIndex }, poolsOf(readouts)),
    )
    return present([
      ...stages,
      ...decoderStages.map((stage): [string, Tensor | undefined] => [stage, read[stage]]),
    ])
  }
}

async function dualEncoderTracer(
  model: DualEncoderModel,
  options: EncoderOptions,
  sessions: EmbedderSessions,
): Promise<Tracer> {
  const { view, textLength, textLayers } = model.shape
  const prepare = await pairPreparer(model, options)
  const images = sessions.session('traced image tower', (scope) => {
    const { vision, imageEmbeds } = model.buildImage(
      scope,
      scope.graph.input('pixels', 'f32', ['batch', ...view]),
    )
    scope.graph.output('vision', vision)
    scope.graph.output('image_embeds', imageEmbeds)
  })
  const texts = sessions.session('traced text tower', (scope) => {
    const { layers, norm, textEmbeds } = model.buildText(
      scope,
      scope.graph.input('ids', 'i64', ['batch', textLength]),
    )
    for (const [i, layer] of layers.entries()) scope.graph.output(layerStage(i), layer)
    scope.graph.output('norm', norm)
    scope.graph.output('text_embeds', textEmbeds)
  })
  const textStages = [...Array.from({ length: textLayers }, (_, i) => layerStage(i)), 'norm', 'text_embeds']
  return async (given) => {
    const { pixels, ids } = prepare(await readItem(await keyItem(given, options.contract.prompt.instruction)))
    const stages: [string, Tensor | undefined][] = []
    if (ids !== undefined) stages.push(['input_ids', i64([ids.length], ids)])
    if (pixels !== undefined) {
      const seen = await images.run({ pixels: f32([1, ...view], pixels.data) })
      stages.push(['pixel_values', pixels], ['vision', seen.vision], ['image_embeds', seen.image_embeds])
    }
    if (ids !== undefined) {
      const read = await texts.run({ ids: i64([1, textLength], ids) })
      for (const stage of textStages) stages.push([stage, read[stage]])
    }
    return present(stages)
  }
}

function present(stages: readonly [string, Tensor | undefined][]): Trace {
  return new Map(
    stages.flatMap(([stage, value]): [string, Tensor][] => (value === undefined ? [] : [[stage, value]])),
  )
}
