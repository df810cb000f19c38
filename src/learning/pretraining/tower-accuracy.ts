/** @file How well the tower names drawings: by cosine among the labels of all training concepts. */

import { compile } from '../../engine/graph/compile.ts'
import { add, cast, div } from '../../engine/graph/elementwise.ts'
import { Graph } from '../../engine/graph/graph.ts'
import { l2Normalize } from '../../engine/graph/reduction.ts'
import { transpose } from '../../engine/graph/shaping.ts'
import { layerNorm } from '../../engine/nn/norm.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { f32Of } from '../../engine/runtime/results.ts'
import { openSession, type SessionOptions } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import { gram } from '../../foundation/numeric/linear.ts'
import { below, stream } from '../../foundation/numeric/random.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { COLOURS } from '../../inputs/scenes/colours.ts'
import { TRAINING_STYLES } from '../../inputs/scenes/concepts.ts'
import { type Description, place, single } from '../../inputs/scenes/scene.ts'
import { siglipText } from '../../models/families/towers/siglip-text.ts'
import { siglipPooling, siglipVision } from '../../models/families/towers/siglip-vision.ts'
import { drawBatch } from './pictures.ts'
import { HIDDEN, PICTURE_SIZE, TOWER } from './recipe.ts'
import { type TowerWorld, textIds } from './tower-batch.ts'
import { TEXT_SHAPE, VISION_SHAPE } from './tower-model.ts'

interface TowerAccuracy {
  /** Share of shown drawings, newly rendered, that are named among all labels. */
  seen: number
  /** The same for each concept's withheld drawing. */
  withheld: number
}

/** Measures with the given parameters; the session stays open for the next call. */
export interface TowerJudge {
  /** @throws InterruptedError */
  measure(parameters: Readonly<Record<string, Tensor<'f32'>>>, signal?: AbortSignal): Promise<TowerAccuracy>
  close(): Promise<void>
}

/** @param options where the session runs */
export async function openTowerJudge(
  at: TowerWorld,
  seed: number,
  options: Pick<SessionOptions, 'threads'>,
): Promise<TowerJudge> {
  const graph = new Graph()
  const scope = rootScope(graph, { trainable: () => true })
  const bytes = graph.input('pixels', 'u8', ['batch', PICTURE_SIZE, PICTURE_SIZE, 3])
  const vision = scope.under('vision_model')
  const hidden = siglipVision(
    vision,
    add(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), -1),
    VISION_SHAPE,
  ).at(-1)!
  const normal = layerNorm(vision, hidden, 'post_layernorm', HIDDEN, VISION_SHAPE.epsilon)
  graph.output('images', l2Normalize(siglipPooling(vision.under('head'), normal, VISION_SHAPE)))
  const ids = graph.input('text_ids', 'i64', ['texts', TOWER.textLength])
  graph.output('texts', l2Normalize(siglipText(scope.under('text_model'), ids, TEXT_SHAPE).pooled))
  const compiled = compile(graph)
  const session = await openSession(compiled, { weights: memoryWeights({}), name: 'tower-judge', ...options })
  const { world, sheets, tokenizer } = at
  const labels = textIds(
    world.training.map(({ label }) => label),
    tokenizer,
  )
  return {
    async measure(parameters, signal) {
      const named = async (styleOf: (concept: (typeof world.training)[number]) => number) => {
        const random = stream(seed, 'tower-judge')
        const pictures = world.training.map(
          (concept): Description =>
            place(single(concept.index, styleOf(concept), below(COLOURS.length, random)), random),
        )
        const fed = Object.fromEntries(
          compiled.inputs.flatMap(({ name }) =>
            parameters[name] === undefined ? [] : [[name, parameters[name]]],
          ),
        )
        const results = await session.run(
          { ...fed, pixels: drawBatch(pictures, sheets), text_ids: labels },
          { signal },
        )
        return topShare(gram(f32Of(results, 'images'), f32Of(results, 'texts')))
      }
      const shown = stream(seed, 'tower-judge-styles')
      return {
        seen: await named(
          (concept) => (concept.withheld + 1 + below(TRAINING_STYLES - 1, shown)) % TRAINING_STYLES,
        ),
        withheld: await named((concept) => concept.withheld),
      }
    },
    close: () => session.close(),
  }
}

/** Share of rows whose largest element stands on the diagonal. */
function topShare(cosines: Tensor<'f32'>): number {
  const size = cosines.dims[0]!
  let hits = 0
  for (let row = 0; row < size; row++) {
    const own = cosines.data[row * size + row]!
    if (
      cosines.data
        .subarray(row * size, (row + 1) * size)
        .every((other, column) => column === row || other < own)
    )
      hits++
  }
  return hits / size
}
