/** @file Trains the shared image tower and its dual encoder. */

import { join } from 'node:path'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { COLOURS } from '../../inputs/scenes/colours.ts'
import { initialWeights } from '../../models/families/initial.ts'
import { adamW } from '../training/adamw.ts'
import { gradientGraph, sessionStep } from '../training/gradient.ts'
import { train } from '../training/loop.ts'
import { muon } from '../training/muon.ts'
import { openOptimizer } from '../training/optimizer.ts'
import type { Schedule } from '../training/schedule.ts'
import { identityOf } from './identity.ts'
import { PLAIN_STEPS, SETTLING_STEPS, TOWER, TOWER_RATES, type TowerTraining } from './recipe.ts'
import { openTowerJudge } from './tower-accuracy.ts'
import { type TowerWorld, towerBatch } from './tower-batch.ts'
import { towerLoss } from './tower-model.ts'
import { trapezoid } from './trapezoid.ts'

export interface PretrainingRun {
  /** Snapshots and logs: an interrupted training goes on from here. */
  workDir: string
  threads: number
  signal?: AbortSignal
  onProgress?: (progress: { step: number; steps: number; loss: number }) => void
  warn?: (message: string) => void
}

const WARMUP = 100
const COOLDOWN = 500
/**
 * Of the varied drawings: after 500 updates more was to gain (seen drawings .76, at least .80
 * wanted).
 */
const VARIED_COOLDOWN = 1_000
/** The last phase is near where it ends: a third of the rates, falling most of the way. */
const SETTLING = { rate: 0.3, warmup: 50, cooldown: 400 }
const CLIP = 1
const EVERY = 250
/** `.02·√(768 / 192)`: the usual deviation, at this width. */
export const INITIAL_STD = 0.04
/** `e^2.66 ≈ 14.3`, CLIP's first temperature of .07. */
const FIRST_LOGIT_SCALE = 2.6592

/** Matrices inside blocks take Muon; embeddings, heads, norms, biases AdamW. */
export function isBlockMatrix(name: string, dims: readonly number[]): boolean {
  return dims.length === 2 && /(layers|blocks)\.\d+\./.test(name)
}

/**
 * Trains to the end of the recipe, or goes on with it.
 * @returns all trained parameters, auxiliary heads included
 */
export async function trainTower(
  at: TowerWorld,
  recipe: TowerTraining,
  run: PretrainingRun,
): Promise<Record<string, Tensor<'f32'>>> {
  const classes = { concepts: at.world.training.length, colours: COLOURS.length }
  const { compiled, parameters: slots } = gradientGraph((graph) => towerLoss(graph, classes))
  const parameters = initialWeights(slots, {
    seed: recipe.seed,
    layers: TOWER.layers,
    std: INITIAL_STD,
    constants: { logit_scale: FIRST_LOGIT_SCALE },
  })
  const session = await openSession(compiled, {
    weights: memoryWeights({}),
    name: 'tower',
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
  const feeds = (step: number) => towerBatch(at, recipe, step)
  const settings = {
    ...recipe,
    rates: TOWER_RATES,
    schedule: { PLAIN_STEPS, SETTLING_STEPS, WARMUP, COOLDOWN, VARIED_COOLDOWN, SETTLING },
    clip: CLIP,
    firstLogitScale: FIRST_LOGIT_SCALE,
  }
  const judge = await openTowerJudge(at, recipe.seed, { threads: run.threads })
  try {
    await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds }),
      schedule: towerSchedule(recipe.steps),
      steps: recipe.steps,
      clip: CLIP,
      checkpoint: {
        dir: join(run.workDir, 'snapshots'),
        every: EVERY,
        identity: await identityOf('tower', settings, feeds),
      },
      log: join(run.workDir, 'log.jsonl'),
      evaluate: { every: EVERY, run: async () => ({ ...(await judge.measure(parameters, run.signal)) }) },
      signal: run.signal,
      onProgress: run.onProgress,
      warn: run.warn,
    })
  } finally {
    await Promise.all([session.close(), optimizer.close(), judge.close()])
  }
  return parameters
}

/** One trapezoid for the plain drawings, one for the varied, one to settle. */
function towerSchedule(steps: number): Schedule {
  const settling = Math.max(steps - SETTLING_STEPS, PLAIN_STEPS)
  const plain = trapezoid({ steps: Math.min(steps, PLAIN_STEPS), warmup: WARMUP, cooldown: COOLDOWN })
  const varied = trapezoid({ steps: settling - PLAIN_STEPS, warmup: WARMUP, cooldown: VARIED_COOLDOWN })
  const last = trapezoid({ ...SETTLING, steps: steps - settling })
  return (step) => {
    if (step < PLAIN_STEPS) return plain(step)
    return step < settling ? varied(step - PLAIN_STEPS) : SETTLING.rate * last(step - settling)
  }
}
