/** @file Trains the tower that no text teaches, on the pictures of the other in the same order. */

import { join } from 'node:path'
import { openSession } from '../../../engine/runtime/session.ts'
import { memoryWeights } from '../../../engine/runtime/weights.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { f32, type Tensor } from '../../../foundation/numeric/tensor.ts'
import { captionPair } from '../../../inputs/scenes/caption-pairs.ts'
import { initialWeights } from '../../../models/families/initial.ts'
import { adamW } from '../../training/adamw.ts'
import { gradientGraph, sessionStep } from '../../training/gradient.ts'
import { train } from '../../training/loop.ts'
import { muon } from '../../training/muon.ts'
import { openOptimizer } from '../../training/optimizer.ts'
import { identityOf } from '../identity.ts'
import { drawBatch } from '../pictures.ts'
import { IMAGE_TOKENS, TOWER, TOWER_RATES, type TwinTraining } from '../recipe.ts'
import { INITIAL_STD, isBlockMatrix, type PretrainingRun } from '../tower.ts'
import type { TowerWorld } from '../tower-batch.ts'
import { trapezoid } from '../trapezoid.ts'
import { unalignedLoss } from './loss.ts'

/** Patches that are hidden, of 16. */
const HIDDEN_PATCHES = 8
const WARMUP = 100
const COOLDOWN = 1_000
const CLIP = 1
const EVERY = 250

/** Feeds of `unalignedLoss`. */
function unalignedBatch(
  { world, sheets }: TowerWorld,
  { batch, seed }: TwinTraining,
  step: number,
): Record<string, Tensor> {
  const random = stream(seed, 'hidden patches', step)
  const pictures = Array.from(
    { length: batch },
    (_, i) => captionPair(world, seed, step * batch + i).description,
  )
  const hidden = pictures.flatMap(() =>
    shuffle(
      Array.from({ length: IMAGE_TOKENS }, (_, i) => (i < HIDDEN_PATCHES ? 1 : 0)),
      random,
    ),
  )
  return { pixels: drawBatch(pictures, sheets), hidden: f32([batch, IMAGE_TOKENS], hidden) }
}

/**
 * Trains to the end of the recipe, or goes on with it.
 * @returns `vision_model.…`, with the last norm as it starts: the loss reads the states before it
 */
export async function trainUnalignedTower(
  at: TowerWorld,
  recipe: TwinTraining,
  run: PretrainingRun,
): Promise<Record<string, Tensor<'f32'>>> {
  const { compiled, parameters: slots } = gradientGraph(unalignedLoss)
  const parameters = initialWeights(slots, { seed: recipe.seed, layers: TOWER.layers, std: INITIAL_STD })
  const session = await openSession(compiled, {
    weights: memoryWeights({}),
    name: 'tower-unaligned',
    threads: run.threads,
  })
  const optimizer = await openOptimizer(parameters, [
    {
      accepts: isBlockMatrix,
      rule: muon({ session: { threads: run.threads } }),
      learningRate: TOWER_RATES.muon,
    },
    { rule: adamW({ betas: [0.9, 0.98], weightDecay: 0.01 }), learningRate: TOWER_RATES.adamw },
  ])
  const feeds = (step: number) => unalignedBatch(at, recipe, step)
  const settings = { ...recipe, rates: TOWER_RATES, schedule: { WARMUP, COOLDOWN }, clip: CLIP }
  const { steps } = recipe
  try {
    await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds }),
      schedule: trapezoid({ steps, warmup: WARMUP, cooldown: Math.min(COOLDOWN, steps) }),
      steps,
      clip: CLIP,
      checkpoint: {
        dir: join(run.workDir, 'snapshots'),
        every: EVERY,
        identity: await identityOf('tower-unaligned', settings, feeds),
      },
      log: join(run.workDir, 'log.jsonl'),
      signal: run.signal,
      onProgress: run.onProgress,
      warn: run.warn,
    })
  } finally {
    await Promise.all([session.close(), optimizer.close()])
  }
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => name.startsWith('vision_model.')))
}
