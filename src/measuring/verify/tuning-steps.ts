/**
 * @file The steps of a tuning against the reference: the optimiser alone, then everything from one
 * end to the other. Loop, optimiser, schedule, loss and adapter are those that users train with.
 * The batches are not: fixtures say on which side the reference padded them, and adapt towers and
 * projectors too, which `tune` freezes.
 */

import { rootScope } from '../../engine/nn/scope.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { adamW } from '../../learning/training/adamw.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import { TrainingError } from '../../learning/training/errors.ts'
import { type GradientStep, gradientGraph, stepResultOf } from '../../learning/training/gradient.ts'
import { train } from '../../learning/training/loop.ts'
import { openOptimizer } from '../../learning/training/optimizer.ts'
import type { Schedule } from '../../learning/training/schedule.ts'
import { graphScalars } from '../../learning/tuning/losses/loss.ts'
import { makeLoss } from '../../learning/tuning/losses/make.ts'
import { lossSettings } from '../../learning/tuning/losses/settings.ts'
import { batchFeeds, batchVectors } from './tuning-batch.ts'
import {
  adapted,
  compareGradients,
  compareVector,
  fedArrays,
  open,
  type TuningSubject,
  trainedParameters,
} from './tuning-subject.ts'

/** The optimiser alone, on the reference's own gradients. */
async function compareReplay(subject: TuningSubject, rate: Schedule): Promise<void> {
  const { fixture, expected } = subject
  const { trained } = trainedParameters(subject)
  const copies = Object.fromEntries(
    Object.entries(trained).map(([name, { dims, data }]) => [name, f32(dims, data.slice())]),
  )
  await trainComparing(subject, rate, {
    stage: 'replay',
    parameters: copies,
    compared: copies,
    tolerance: fixture.tolerance.replay,
    gradient: async ({ step }) => {
      const gradients = Object.keys(copies).flatMap((name) => {
        const gradient = expected.get(`step${step}/grad/${name}`)
        return gradient === undefined ? [] : [[name, toF32(gradient)] as const]
      })
      return { loss: fixture.losses[step]!, metrics: {}, gradients: Object.fromEntries(gradients) }
    },
  })
}

/** Forward, backward and update, from one end to the other. */
export async function compareSteps(subject: TuningSubject, rate: Schedule): Promise<void> {
  const { fixture, recorder, model, query, target } = subject
  const loss = makeLoss(lossSettings.parse({ temperature: fixture.temperature }))
  const { compiled } = gradientGraph((graph) => {
    const scope = rootScope(graph, adapted(subject, 'live').scope)
    const vectors = {
      query: batchVectors(scope, model, 'query', query),
      target: batchVectors(scope, model, 'target', target),
    }
    for (const [name, value] of Object.entries(vectors)) graph.output(name, value)
    return loss.build({ ...graphScalars(graph), queries: vectors.query, targets: vectors.target })
  })
  const { feeds: fed, spelled } = fedArrays(subject, compiled)
  const feeds = { ...batchFeeds('query', query, fixture), ...batchFeeds('target', target, fixture) }
  const { all, trained } = trainedParameters(subject)
  const session = await open(subject, compiled)
  try {
    const done = await trainComparing(subject, rate, {
      stage: 'after',
      parameters: trained,
      compared: all,
      tolerance: fixture.tolerance.after,
      gradient: async ({ step, signal }) => {
        const outputs = await session.run({ ...feeds, ...fed }, { signal })
        for (const name of step === 0 ? ['query', 'target'] : [])
          compareVector(subject, 'vectors', `step0/${name}`, outputs[name], fixture.tolerance.vectors)
        const { loss, metrics, gradients } = stepResultOf(outputs)
        const where = { case: `step ${step}`, stage: 'loss', key: `losses ${step}` }
        recorder.compare(where, f32([], [loss]), f32([], [fixture.losses[step]!]), fixture.tolerance.loss)
        const named = Object.fromEntries(
          Object.entries(gradients).map(([name, value]) => [spelled.get(name) ?? name, value]),
        )
        compareGradients(subject, `step${step}/grad/`, named)
        const strangers = Object.keys(named).filter((name) => fixture.without_gradient.includes(name))
        recorder.check(
          { case: `step ${step}`, stage: 'grad' },
          strangers.length === 0,
          `the reference has no gradient of ${strangers}`,
        )
        // While the adapter is as it was given, and behind what shows that it is.
        if (step === 0) await compareReplay(subject, rate)
        return { loss, metrics, gradients: named }
      },
    })
    if (!done) return
    const { query: final } = await session.run({ ...feeds, ...fed })
    compareVector(
      subject,
      'final',
      'final/query',
      final,
      fixture.tolerance.final ?? fixture.tolerance.vectors,
    )
  } finally {
    await session.close()
  }
}

interface ComparedTraining {
  /** Name of the comparison after each update. */
  stage: string
  /** Updated in place. */
  parameters: NamedArrays
  /** Compared after each update. */
  compared: NamedArrays
  tolerance: number
  gradient: GradientStep
}

/**
 * Runs the training loop over the fixture's steps, with its optimiser, and compares the parameters
 * after each update.
 * @returns whether the loop came to its end; a training that stops is a miss
 */
async function trainComparing(
  subject: TuningSubject,
  rate: Schedule,
  { stage, parameters, compared, tolerance, gradient }: ComparedTraining,
): Promise<boolean> {
  const { lr, betas, eps, weight_decay: weightDecay } = subject.fixture.optimizer
  const rule = adamW({ betas, epsilon: eps, weightDecay })
  const optimizer = await openOptimizer(parameters, [{ rule, learningRate: lr }])
  let step = 0
  try {
    await train({
      parameters,
      gradient,
      optimizer,
      schedule: rate,
      steps: subject.fixture.losses.length,
      onProgress: () => compareAfter(subject, step++, compared, stage, tolerance),
    })
    return true
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error
    subject.recorder.check({ case: `step ${step}`, stage }, false, error.message)
    return false
  } finally {
    await optimizer.close()
  }
}

function compareAfter(
  { expected, recorder }: TuningSubject,
  step: number,
  parameters: NamedArrays,
  stage: string,
  tolerance: number,
): void {
  const prefix = `step${step}/after/`
  for (const [name, value] of Object.entries(parameters)) {
    const wanted = expected.get(prefix + name)
    if (wanted !== undefined)
      recorder.compare({ case: `step ${step}`, stage, key: prefix + name }, value, wanted, tolerance)
  }
}
