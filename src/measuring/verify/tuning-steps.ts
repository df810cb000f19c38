/**
 * @file The steps of a tuning against the reference: the optimiser alone, then everything from one
 * end to the other.
 */

import { rootScope } from '../../engine/nn/scope.ts'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import { adamW } from '../../learning/training/adamw.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import { gradientGraph, stepResultOf } from '../../learning/training/gradient.ts'
import { type Optimizer, openOptimizer } from '../../learning/training/optimizer.ts'
import type { Schedule } from '../../learning/training/schedule.ts'
import { infoNce } from '../../learning/tuning/losses.ts'
import { batchFeeds, batchVectors } from './tuning-batch.ts'
import {
  adapted,
  compareGradients,
  compareVector,
  fedArrays,
  open,
  type TuningFixture,
  type TuningSubject,
  trainedParameters,
} from './tuning-subject.ts'

/** The optimiser alone, on the reference's own gradients. */
async function compareReplay(subject: TuningSubject, rate: Schedule): Promise<void> {
  const { fixture, expected, recorder } = subject
  const { trained } = trainedParameters(subject)
  const copies = Object.fromEntries(
    Object.entries(trained).map(([name, { dims, data }]) => [name, f32(dims, data.slice())]),
  )
  const optimizer = await optimizerFor(fixture, copies)
  for (const step of fixture.losses.keys()) {
    const given = Object.keys(copies).flatMap((name) => {
      const gradient = expected.get(`step${step}/grad/${name}`)
      return gradient === undefined ? [] : [[name, toF32(gradient)] as const]
    })
    const missing = Object.keys(copies).length - given.length
    recorder.check(
      { case: `step ${step}`, stage: 'replay' },
      missing === 0,
      `the fixture has no gradient for ${missing} adapter tensors`,
    )
    if (missing > 0) return
    await optimizer.update(Object.fromEntries(given), { step, factor: rate(step), gradientScale: 1 })
    compareAfter(subject, step, copies, 'replay', fixture.tolerance.replay)
  }
}

/** Forward, backward and update, from one end to the other. */
export async function compareSteps(subject: TuningSubject, rate: Schedule): Promise<void> {
  const { fixture, recorder, model, query, target } = subject
  const { compiled } = gradientGraph((graph) => {
    const scope = rootScope(graph, adapted(subject, 'live').scope)
    const vectors = {
      query: batchVectors(scope, model, 'query', query),
      target: batchVectors(scope, model, 'target', target),
    }
    for (const [name, value] of Object.entries(vectors)) graph.output(name, value)
    return {
      loss: infoNce(vectors.query, vectors.target, { temperature: fixture.temperature, normalize: false }),
    }
  })
  const { feeds: fed, spelled } = fedArrays(subject, compiled)
  const feeds = { ...batchFeeds('query', query, fixture), ...batchFeeds('target', target, fixture) }
  const { all, trained } = trainedParameters(subject)
  const optimizer = await optimizerFor(fixture, trained)
  const session = await open(subject, compiled)
  try {
    for (const step of fixture.losses.keys()) {
      const outputs = await session.run({ ...feeds, ...fed })
      for (const name of step === 0 ? ['query', 'target'] : [])
        compareVector(subject, 'vectors', `step0/${name}`, outputs[name], fixture.tolerance.vectors)
      const { loss, gradients } = stepResultOf(outputs)
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
      // What is missing was reported; no update is possible without it.
      if (Object.keys(trained).some((name) => named[name] === undefined)) return
      await optimizer.update(named, { step, factor: rate(step), gradientScale: 1 })
      compareAfter(subject, step, all, 'after', fixture.tolerance.after)
    }
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

function optimizerFor(
  { optimizer: { lr, betas, eps, weight_decay: weightDecay } }: TuningFixture,
  parameters: NamedArrays,
): Promise<Optimizer> {
  return openOptimizer(parameters, [{ rule: adamW({ betas, epsilon: eps, weightDecay }), learningRate: lr }])
}
