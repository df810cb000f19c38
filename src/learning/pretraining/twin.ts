/** @file Trains a twin: projector and decoder, or decoder alone, on a frozen picture model. */

import { join } from 'node:path'
import { openSession } from '../../engine/runtime/session.ts'
import { memoryWeights } from '../../engine/runtime/weights.ts'
import type { Tensor } from '../../foundation/numeric/tensor.ts'
import { initialWeights } from '../../models/families/initial.ts'
import { adamW } from '../training/adamw.ts'
import { hashArrays } from '../training/arrays.ts'
import { gradientGraph, sessionStep } from '../training/gradient.ts'
import { train } from '../training/loop.ts'
import { muon } from '../training/muon.ts'
import { openOptimizer } from '../training/optimizer.ts'
import { PretrainingError } from './errors.ts'
import { heldOutLosses } from './held-out.ts'
import { identityOf } from './identity.ts'
import { IMAGE_TOKENIZERS } from './image-tokenizer/shape.ts'
import { PART_POSITIONS, partsOf } from './parts.ts'
import {
  DECODER,
  HEADS,
  HIDDEN,
  scaledTo,
  TWIN_DECAY,
  TWIN_MATCHING,
  TWIN_RATES,
  type TwinTraining,
} from './recipe.ts'
import { openSight } from './sight.ts'
import { startCodes } from './start-codes.ts'
import { INITIAL_STD, isBlockMatrix, type PretrainingRun } from './tower.ts'
import type { TowerWorld } from './tower-batch.ts'
import { trapezoid } from './trapezoid.ts'
import { twinBatch } from './twin-batch.ts'
import { dietOf } from './twin-diet.ts'
import { twinLoss } from './twin-loss.ts'
import { trainingSamples } from './twin-samples.ts'
import { roleOf, seesCodes, type Twin, updatesOf } from './twins/twin.ts'

/** Of the recipe's updates, those whose rates rise from nothing. */
const WARMUP = 200
/**
 * Of the recipe's updates, those whose rates fall to nothing: at the peak, answers to rare
 * questions come and go from one hundred updates to the next.
 */
const COOLDOWN = 1_000
const CLIP = 1
const SNAPSHOT_EVERY = 250
const EVALUATE_EVERY = 500
/** Held-out samples of each kind behind a logged loss. */
const HELD_OUT = 128

type Parameters = Readonly<Record<string, Tensor<'f32'>>>

/** The models that a twin is made from. */
export interface TwinSources {
  /**
   * Parameters of the picture model, `vision_model.…` or `encoder.…`. A run on another one does
   * not go on with this one's snapshots.
   */
  pictures: Parameters
  /** All parameters of the twin that this one goes on from. */
  before?: Parameters
}

/**
 * Trains to the end of the recipe, or goes on with it.
 * @returns projector and decoder by canonical name
 */
export async function trainTwin(
  twin: Twin,
  at: TowerWorld,
  { pictures, before }: TwinSources,
  recipe: TwinTraining,
  run: PretrainingRun,
): Promise<Record<string, Tensor<'f32'>>> {
  const { compiled, parameters: slots } = gradientGraph((graph) => twinLoss(graph, twin))
  const parameters = initialWeights(slots, {
    seed: recipe.seed,
    layers: DECODER.layers,
    std: INITIAL_STD,
    matching: { rows: (TWIN_MATCHING.heads * HIDDEN) / HEADS, gain: TWIN_MATCHING.gain },
    roleOf,
  })
  if (seesCodes(twin))
    startCodes(parameters, {
      bits: IMAGE_TOKENIZERS[twin.pictures].stack.bits,
      seed: recipe.seed,
      std: INITIAL_STD,
    })
  if (before !== undefined) startFrom(parameters, before)
  const frozen = Object.fromEntries(
    compiled.weights.map((slot) => [
      slot.name,
      pictures[slot.name.slice(slot.name.indexOf('vision_model.'))]!,
    ]),
  )
  const sight = await openSight(twin, pictures, { threads: run.threads })
  const session = await openSession(compiled, {
    weights: memoryWeights(frozen),
    name: twin.name,
    threads: run.threads,
  })
  const optimizer = await openOptimizer(parameters, [
    {
      accepts: isBlockMatrix,
      rule: muon({ weightDecay: TWIN_DECAY, session: { threads: run.threads } }),
      learningRate: TWIN_RATES.muon,
    },
    { rule: adamW({ betas: [0.9, 0.98], weightDecay: 0.01 }), learningRate: TWIN_RATES.adamw },
  ])
  const { objective, goesOn } = twin
  const updates = updatesOf(twin)
  const diet = dietOf(updates)
  const schedule = scheduleOf(updates)
  // A twin that goes on sees the samples behind those that it was trained with.
  const from = goesOn === undefined ? 0 : goesOn.steps
  const feeds = async (step: number) =>
    twinBatch(at, await sight.see(trainingSamples(at, recipe, from + step, diet), at, run.signal), {
      objective,
      seed: recipe.seed,
      step: from + step,
      learning: true,
    })
  const settings = {
    ...recipe,
    rates: TWIN_RATES,
    decay: TWIN_DECAY,
    matching: TWIN_MATCHING,
    schedule,
    part: PART_POSITIONS,
    clip: CLIP,
    tower: hashArrays(seesCodes(twin) ? pictures : frozen),
    ...(before === undefined ? {} : { before: hashArrays(before) }),
  }
  try {
    await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds: async (step) => partsOf(await feeds(step)) }),
      schedule: trapezoid({
        steps: recipe.steps,
        warmup: schedule.WARMUP,
        cooldown: Math.min(schedule.COOLDOWN, recipe.steps - schedule.WARMUP),
      }),
      steps: recipe.steps,
      clip: CLIP,
      checkpoint: {
        dir: join(run.workDir, 'snapshots'),
        every: SNAPSHOT_EVERY,
        identity: await identityOf(twin.name, settings, feeds),
      },
      log: join(run.workDir, 'log.jsonl'),
      evaluate: {
        every: EVALUATE_EVERY,
        run: () =>
          heldOutLosses(session, parameters, at, {
            seed: recipe.seed,
            objective,
            sight,
            samples: HELD_OUT,
            signal: run.signal,
          }),
      },
      signal: run.signal,
      onProgress: run.onProgress,
      warn: run.warn,
    })
  } finally {
    await Promise.all([session.close(), optimizer.close(), sight.close()])
  }
  return parameters
}

/**
 * Updates of warm-up and cool-down, named as snapshots name them.
 * @param updates of the training in all
 */
export function scheduleOf(updates: number): { WARMUP: number; COOLDOWN: number } {
  return { WARMUP: scaledTo(updates, WARMUP), COOLDOWN: scaledTo(updates, COOLDOWN) }
}

/** Puts in the values of another twin's parameters of the same roles and shapes. */
function startFrom(parameters: Parameters, before: Parameters): void {
  const byRole = new Map(Object.entries(before).map(([name, value]) => [roleOf(name), value]))
  for (const [name, { dims, data }] of Object.entries(parameters)) {
    const own = byRole.get(roleOf(name))
    if (own === undefined || own.dims.join() !== dims.join()) {
      throw new PretrainingError('parameters', {
        message: `the twin to go on from has no parameter like ${name} of shape [${dims}]`,
        hint: 'Name the folder of the twin that this one goes on from (--from).',
      })
    }
    data.set(own.data)
  }
}
