/** @file The tower that no text teaches as a subject of pretraining. */

import { join } from 'node:path'
import { compile } from '../../../engine/graph/compile.ts'
import { add, cast, div } from '../../../engine/graph/elementwise.ts'
import { Graph } from '../../../engine/graph/graph.ts'
import { transpose } from '../../../engine/graph/shaping.ts'
import { rootScope } from '../../../engine/nn/scope.ts'
import { f32Of } from '../../../engine/runtime/results.ts'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { writeFileAtomic } from '../../../foundation/files/file.ts'
import { f32ToBf16, toF32 } from '../../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { openCheckpoint } from '../../../models/checkpoint/folder.ts'
import { writeSafetensors } from '../../../models/checkpoint/safetensors.ts'
import { siglipVision } from '../../../models/families/towers/siglip-vision.ts'
import { type Gate, type GateOptions, gate } from '../gates.ts'
import { drawBatch } from '../pictures.ts'
import { type Reading, readingsOf } from '../readings.ts'
import { HIDDEN, IMAGE_TOKENS, PICTURE_SIZE, TOWER, TOWER_RATES, TOWER_TRAINING } from '../recipe.ts'
import type { PretrainingSubject } from '../subject.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { VISION_CONFIG } from '../tower-config.ts'
import { VISION_SHAPE } from '../tower-model.ts'
import { trainUnalignedTower } from './train.ts'

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

/** config.json of transformers' image tower without a text tower. */
const CONFIG = {
  architectures: ['SiglipVisionModel'],
  ...VISION_CONFIG,
  num_hidden_layers: TOWER.layers,
  vision_use_head: false,
  torch_dtype: 'bfloat16',
}

export const unalignedTowerSubject: PretrainingSubject = {
  name: 'tower-unaligned',
  training: TOWER_TRAINING,
  train: trainUnalignedTower,
  write: writeUnalignedTower,
  read: readUnalignedTower,
  gates: unalignedTowerGates,
  answers: async () => [],
  card: {
    name: 'tower-unaligned',
    library: 'transformers',
    task: 'image-to-image',
    summary:
      'An image tower of the shape of `tower` that no text taught: half of the patches of a picture were ' +
      'hidden, and it learnt to fill them in. Twins on it show how much of a twin comes from the alignment ' +
      'of its tower.',
    rates: TOWER_RATES,
    recipe: (numbers) => [
      `${numbers(() => true)} parameters (${TOWER.layers} layers, width ${HIDDEN}).`,
      'The pictures of `tower` in the same order, drawn as they are. Squared error of the pixels of hidden ' +
        'patches, and .3 of that of seen ones.',
    ],
    unequal: [],
    sections: [],
  },
}

/** The norm behind the last layer, which layouts store and no twin reads. */
const LAST_NORM = {
  'vision_model.post_layernorm.weight': f32([HIDDEN], new Float32Array(HIDDEN).fill(1)),
  'vision_model.post_layernorm.bias': f32([HIDDEN], new Float32Array(HIDDEN)),
}

export async function writeUnalignedTower(dir: string, trained: Parameters): Promise<void> {
  const stored = Object.entries({ ...trained, ...LAST_NORM }).map(
    ([name, { dims, data }]) => [name, { dtype: 'bf16', dims, data: f32ToBf16(data) } as const] as const,
  )
  await writeSafetensors(join(dir, 'model.safetensors'), Object.fromEntries(stored), { format: 'pt' })
  await writeFileAtomic(join(dir, 'config.json'), `${JSON.stringify(CONFIG, undefined, 2)}\n`)
}

/** @throws CheckpointError */
export async function readUnalignedTower(dir: string): Promise<Record<string, Tensor<'f32'>>> {
  const checkpoint = await openCheckpoint(dir)
  const parameters: Record<string, Tensor<'f32'>> = {}
  for (const name of checkpoint.tensors.keys()) parameters[name] = toF32(await checkpoint.read(name))
  return parameters
}

/** No bars: what its features hold is told beside what the twins on it do. */
async function unalignedTowerGates(
  at: TowerWorld,
  parameters: Parameters,
  options: GateOptions,
): Promise<Gate[]> {
  const model = 'tower-unaligned'
  const graph = new Graph()
  const bytes = graph.input('pixels', 'u8', ['batch', PICTURE_SIZE, PICTURE_SIZE, 3])
  const pixels = add(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), -1)
  graph.output('states', siglipVision(rootScope(graph).under('vision_model'), pixels, VISION_SHAPE).at(-1)!)
  const session = await openSession(compile(graph), {
    weights: memoryWeights(parameters),
    name: model,
    threads: options.threads,
  })
  try {
    const found = await readingsOf(
      at,
      {
        model,
        width: IMAGE_TOKENS * HIDDEN,
        of: async (pictures, signal) =>
          f32Of(await session.run({ pixels: drawBatch(pictures, at.sheets) }, { signal }), 'states').data,
      },
      options,
    )
    const of = (name: string, { features: value, pixels: beside }: Reading) =>
      gate({
        model,
        name: `${name} read from features`,
        value,
        bound: 0,
        bounded: 'at least',
        beside: `no bar; ${(100 * beside).toFixed(1)} % from pixels`,
      })
    return [
      of('background', found.background),
      of("a silhouette's colour", found.silhouette),
      of('label, new rendering,', found.label),
      of('label, withheld drawing,', found.withheld),
    ]
  } finally {
    await session.close()
  }
}
