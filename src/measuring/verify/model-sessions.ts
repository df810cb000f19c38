/** @file The graphs of a model that a verification runs. Each stage is an output. */

import { compile } from '../../engine/graph/compile.ts'
import { Graph } from '../../engine/graph/graph.ts'
import type { AttentionPattern } from '../../engine/nn/attention.ts'
import { rootScope, type Scope } from '../../engine/nn/scope.ts'
import type { Device } from '../../engine/runtime/devices.ts'
import { openSession, type Session } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import type { Checkpoint } from '../../models/checkpoint/folder.ts'
import { layerStage, pool } from '../../models/embedder/readout.ts'
import { decoderInputs } from '../../models/families/decoder-inputs.ts'
import type { DualEncoderModel, Model, VisionLanguageModel } from '../../models/families/model.ts'
import { checkpointWeights } from '../../models/families/weights.ts'

/** Opens each session over a checkpoint once, and closes all of them together. */
export class ModelSessions {
  readonly #open = new Map<string, Promise<Session>>()
  readonly #checkpoint: Checkpoint
  readonly #device: Device

  constructor(checkpoint: Checkpoint, device: Device) {
    this.#checkpoint = checkpoint
    this.#device = device
  }

  /**
   * `pixel_values` → the vision stages and `rows`.
   * @param key names the config: cases can have different ones
   */
  vision(key: string, model: VisionLanguageModel): Promise<Session> {
    return this.#session(`${key} vision`, model, (scope) => {
      const { stages, rows } = model.buildVision(
        scope,
        scope.graph.input('pixel_values', 'f32', ['views', ...model.shape.view]),
      )
      for (const [stage, value] of Object.entries(stages)) scope.graph.output(stage, value)
      scope.graph.output('rows', rows)
    })
  }

  /**
   * The inputs of `decoderInputs` → `inputs`, layers, `norm`, and `logits` where the fixture has
   * them.
   */
  decoder(
    key: string,
    model: VisionLanguageModel,
    attention: 'native' | AttentionPattern,
    logits: boolean,
  ): Promise<Session> {
    return this.#session(`${key} decoder ${attention} ${logits}`, model, (scope) => {
      const { graph } = scope
      const pieces = model.buildDecoder(scope, decoderInputs(graph, model.shape), { attention })
      graph.output('inputs', pieces.inputs)
      for (const [i, layer] of pieces.layers.entries()) graph.output(layerStage(i), layer)
      graph.output('norm', pieces.norm)
      if (logits) graph.output('logits', pieces.head(pieces.norm))
    })
  }

  /** `pixel_values` → `vision`, `image_embeds`. */
  imageTower(model: DualEncoderModel): Promise<Session> {
    return this.#session('image tower', model, (scope) => {
      const { vision, imageEmbeds } = model.buildImage(
        scope,
        scope.graph.input('pixel_values', 'f32', ['batch', ...model.shape.view]),
      )
      scope.graph.output('vision', vision)
      scope.graph.output('image_embeds', imageEmbeds)
    })
  }

  /** `input_ids` → layers, `norm`, `text_embeds`. */
  textTower(model: DualEncoderModel): Promise<Session> {
    return this.#session('text tower', model, (scope) => {
      const { layers, norm, textEmbeds } = model.buildText(
        scope,
        scope.graph.input('input_ids', 'i64', ['batch', model.shape.textLength]),
      )
      for (const [i, layer] of layers.entries()) scope.graph.output(layerStage(i), layer)
      scope.graph.output('norm', norm)
      scope.graph.output('text_embeds', textEmbeds)
    })
  }

  /** `hidden`, `pool_weights` → `pooled`. */
  pooling(hidden: number): Promise<Session> {
    const graph = new Graph()
    graph.output(
      'pooled',
      pool(
        graph.input('hidden', 'f32', ['batch', 'seq', hidden]),
        graph.input('pool_weights', 'f32', ['batch', 'seq']),
      ),
    )
    return this.#once('pooling', () =>
      openSession(compile(graph), { weights: memoryWeights({}), device: this.#device, thread: 'caller' }),
    )
  }

  async close(): Promise<void> {
    for (const session of this.#open.values()) await (await session).close()
  }

  #session(key: string, model: Model, build: (scope: Scope) => void): Promise<Session> {
    return this.#once(key, async () => {
      const graph = new Graph()
      const weights = checkpointWeights(this.#checkpoint, model.weightSpellings)
      build(rootScope(graph, { storedDtype: weights.storedDtype }))
      return openSession(compile(graph), { weights, device: this.#device, thread: 'caller', name: key })
    })
  }

  #once(key: string, open: () => Promise<Session>): Promise<Session> {
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const opening = open()
    this.#open.set(key, opening)
    return opening
  }
}
