/**
 * @file A training without an engine: a small regression in plain arithmetic, with evaluations, the
 * best values in a file, and early stopping. Fast enough to be killed many times.
 */

import { join } from 'node:path'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { f32 } from '../src/foundation/numeric/tensor.ts'
import { groupsOf } from '../src/learning/training/groups.ts'
import type { Evaluation } from '../src/learning/training/log.ts'
import { type TrainingOptions, type TrainingResult, train } from '../src/learning/training/loop.ts'
import { openOptimizer } from '../src/learning/training/optimizer.ts'
import { scheduleOf } from '../src/learning/training/schedule.ts'
import { optimizerSettings, scheduleSettings } from '../src/learning/training/settings.ts'
import { judge } from '../src/learning/training/stopping.ts'
import { writeSafetensors } from '../src/models/checkpoint/safetensors.ts'

const [ROWS, INPUTS] = [8, 5]
export const STEPS = 24
const EVERY = 3

export interface PlainTraining extends Pick<TrainingOptions, 'signal' | 'onProgress' | 'warn'> {
  dir: string
  /** Updates between snapshots; default 5. */
  every?: number
  learningRate?: number
  /** Called before each update, with its index. */
  onStep?: (step: number) => void | Promise<void>
  /** Called when an update's line is in the log and its values are not yet changed. */
  onUpdate?: (step: number) => void | Promise<void>
  /** Called before each evaluation. */
  onEvaluation?: (step: number) => void | Promise<void>
}

/** Files: `snapshots/`, `log.jsonl`, `times.jsonl`, `best.safetensors`, in `dir`. */
export async function plainTraining({
  dir,
  every = 5,
  learningRate = 0.2,
  onStep,
  onUpdate,
  onEvaluation,
  ...options
}: PlainTraining): Promise<TrainingResult> {
  const truth = fillNormal(new Float32Array(INPUTS), 1, stream(1))
  const weight = f32([1, INPUTS], new Float32Array(INPUTS))
  const bias = f32([], [0])
  const parameters = { weight, bias }
  /** Mean squared error on a batch, and its gradient. */
  const error = (batch: string | number) => {
    const x = fillNormal(new Float32Array(ROWS * INPUTS), 1, stream(2, batch))
    const gradient = { weight: new Float32Array(INPUTS), bias: new Float32Array(1) }
    let loss = 0
    for (let row = 0; row < ROWS; row++) {
      let difference = bias.data[0]! - 0.3
      for (let i = 0; i < INPUTS; i++) difference += x[row * INPUTS + i]! * (weight.data[i]! - truth[i]!)
      loss += difference ** 2 / ROWS
      gradient.bias[0]! += (2 * difference) / ROWS
      for (let i = 0; i < INPUTS; i++) gradient.weight[i]! += (2 * difference * x[row * INPUTS + i]!) / ROWS
    }
    return { loss, gradients: { weight: f32([1, INPUTS], gradient.weight), bias: f32([], gradient.bias) } }
  }
  const settings = optimizerSettings.parse({ learningRate, weightDecay: 0.01, groups: [{ match: 'bias' }] })
  const optimizer = await openOptimizer(parameters, groupsOf(settings))
  const verdict = (evaluations: readonly Evaluation[]) =>
    judge(
      evaluations.map(({ step, figures }) => ({ step, value: figures.loss! })),
      { better: 'lower', patience: 2, minDelta: 0.5 },
    )
  let done = 0
  return await train({
    parameters,
    optimizer: {
      ...optimizer,
      update: async (gradients, at) => {
        await onUpdate?.(done)
        await optimizer.update(gradients, at)
      },
    },
    gradient: async ({ step }) => {
      done = step
      await onStep?.(step)
      return { ...error(step), metrics: { batch: step }, batch: `rows of batch ${step}` }
    },
    schedule: scheduleOf(scheduleSettings.parse({ kind: 'cosine' }), STEPS),
    steps: STEPS,
    clip: 5,
    checkpoint: { dir: join(dir, 'snapshots'), every, identity: { learningRate } },
    log: join(dir, 'log.jsonl'),
    times: join(dir, 'times.jsonl'),
    evaluate: {
      every: EVERY,
      run: async (step, before) => {
        await onEvaluation?.(step)
        const { loss } = error('dev')
        if (verdict([...before, { step, figures: { loss } }]).best?.step === step)
          await writeSafetensors(join(dir, 'best.safetensors'), parameters, { step: String(step) })
        return { loss }
      },
      stop: (evaluations) => verdict(evaluations).stopped !== undefined,
    },
    ...options,
  })
}
