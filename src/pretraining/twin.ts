/** @file Trains a twin: projector and decoder on the frozen tower. */

import { join } from 'node:path'
import { initialWeights } from '../families/initial.ts'
import { modelOf } from '../families/registry.ts'
import { add, cast, div, type Graph, transpose } from '../graph/index.ts'
import { rootScope } from '../nn/index.ts'
import type { Tensor } from '../numeric/tensor.ts'
import { openSession, type Session } from '../runtime/session.ts'
import { memoryWeights } from '../runtime/weights.ts'
import { adamW, gradientGraph, type Loss, muon, openOptimizer, sessionStep, train } from '../training/index.ts'
import { maskedDiffusionLoss } from './masked-diffusion.ts'
import { DECODER, LEARNING_RATES, PICTURE_SIZE, type TwinTraining } from './recipe.ts'
import { INITIAL_STD, identityOf, isBlockMatrix, type PretrainingRun } from './tower.ts'
import type { TowerWorld } from './tower-batch.ts'
import { trapezoid } from './trapezoid.ts'
import { type Objective, samplesOf, trainingSamples, twinBatch, withShuffledPictures } from './twin-batch.ts'
import { TWIN_CONFIGS, type TwinName } from './twin-config.ts'

const WARMUP = 200
const COOLDOWN = 0.2
const CLIP = 1
const SNAPSHOT_EVERY = 250
const EVALUATE_EVERY = 500
/** Held-out samples of each kind behind a logged loss. */
const HELD_OUT = 128

export const OBJECTIVES: { readonly [T in TwinName]: Objective } = { 'twin-ar': 'next-token', 'twin-diffusion': 'masked-diffusion' }

/** Whether a parameter is the tower's, which stays as it is. */
export function isTower(name: string): boolean {
  return name.includes('vision_tower')
}

/**
 * The loss of a batch of `twinBatch`; the head runs where something is scored. Next-token and masked diffusion differ in the feeds only.
 * @see specs/lavida.md §6.3
 */
export function twinLoss(graph: Graph, name: TwinName): Loss {
  const model = modelOf(TWIN_CONFIGS[name])
  if (model.kind !== 'vision-language') throw new TypeError(`${name} is no vision-language model`)
  const scope = rootScope(graph, { trainable: (parameter) => !isTower(parameter) })
  const bytes = graph.input('pixels', 'u8', ['views', PICTURE_SIZE, PICTURE_SIZE, 3])
  const pixels = add(div(cast(transpose(bytes, [0, 3, 1, 2]), 'f32'), 127.5), -1)
  const { rows } = model.buildVision(scope, pixels)
  const ids = (input: string) => graph.input(input, 'i64', ['batch', 'seq'])
  const inputs = { inputIds: ids('input_ids'), attentionMask: ids('attention_mask'), imageRows: rows, imageIndex: ids('image_index') }
  const decoder = model.buildDecoder(scope, inputs)
  return { loss: maskedDiffusionLoss(decoder.norm, decoder.head) }
}

/**
 * Trains to the end of the recipe, or goes on with it.
 * @param tower parameters of the dual encoder, `vision_model.…`
 * @returns projector and decoder by canonical name
 */
export async function trainTwin(
  name: TwinName,
  at: TowerWorld,
  tower: Readonly<Record<string, Tensor<'f32'>>>,
  recipe: TwinTraining,
  run: PretrainingRun,
): Promise<Record<string, Tensor<'f32'>>> {
  const { compiled, parameters: slots } = gradientGraph((graph) => twinLoss(graph, name))
  const parameters = initialWeights(slots, { seed: recipe.seed, layers: DECODER.layers, std: INITIAL_STD })
  const frozen = Object.fromEntries(
    compiled.weights.map((slot) => [slot.name, tower[slot.name.slice(slot.name.indexOf('vision_model.'))]!]),
  )
  const session = await openSession(compiled, { weights: memoryWeights(frozen), name, threads: run.threads })
  const optimizer = await openOptimizer(parameters, [
    { accepts: isBlockMatrix, rule: muon({ session: { threads: run.threads } }), learningRate: LEARNING_RATES.muon },
    { rule: adamW({ betas: [0.9, 0.98], weightDecay: 0.01 }), learningRate: LEARNING_RATES.adamw },
  ])
  const objective = OBJECTIVES[name]
  const feeds = (step: number) => twinBatch(at, trainingSamples(at, recipe, step), { objective, seed: recipe.seed, step, fill: true })
  try {
    await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds }),
      schedule: trapezoid({ steps: recipe.steps, warmup: WARMUP, cooldown: Math.round(recipe.steps * COOLDOWN) }),
      steps: recipe.steps,
      clip: CLIP,
      checkpoint: { dir: join(run.workDir, 'snapshots'), every: SNAPSHOT_EVERY, identity: identityOf(name, recipe) },
      log: join(run.workDir, 'log.jsonl'),
      evaluate: { every: EVALUATE_EVERY, run: () => heldOutLosses(session, parameters, at, recipe, objective) },
      signal: run.signal,
      onProgress: run.onProgress,
      warn: run.warn,
    })
  } finally {
    await Promise.all([session.close(), optimizer.close()])
  }
  return parameters
}

/** Loss per answer token on combinations that training never shows, with each sample's own picture and with another's. */
async function heldOutLosses(
  session: Session,
  parameters: Readonly<Record<string, Tensor<'f32'>>>,
  at: TowerWorld,
  { seed }: TwinTraining,
  objective: Objective,
): Promise<Record<string, number>> {
  const losses: Record<string, number> = {}
  for (const kind of ['caption', 'qa', 'label'] as const) {
    const real = samplesOf(at.world, { kind, seed, from: 0, count: HELD_OUT, use: 'test' })
    for (const [pictures, drawn] of [['real', real] as const, ['shuffled', withShuffledPictures(real)] as const]) {
      const batch = twinBatch(at, drawn, { objective, seed, step: -1, fill: false })
      const { loss } = await session.run({ ...batch, ...parameters }, { outputs: ['loss'] })
      losses[`${kind}_${pictures}`] = Number(loss!.data[0])
    }
  }
  return losses
}
