/**
 * @file Compares what the updates of a training saw and did with the reference: losses, norms,
 * rates, gradients, adapters, vectors.
 */

import { toF32 } from '../../foundation/numeric/float.ts'
import { f32 } from '../../foundation/numeric/tensor.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import type { TuningOutcome, TuningUpdate } from '../../learning/tuning/run.ts'
import type { Trained } from '../../learning/tuning/trained/trained.ts'
import { type Adapter, adapterParameters } from '../../models/checkpoint/adapter.ts'
import type { RunFixture } from './run-fixture.ts'
import { compareJson, compareNumbers, type RunSubject } from './run-subject.ts'
import { vectorsOf } from './trained-vectors.ts'

export function compareUpdates(subject: RunSubject, updates: readonly TuningUpdate[], prefix: string): void {
  const { fixture } = subject
  const { steps, tolerance } = fixture
  compareJson(
    subject,
    `${prefix}steps`,
    updates.map(({ update }) => update),
    steps.map(({ step }) => step),
  )
  const lists = (
    name: string,
    got: (update: TuningUpdate) => number | readonly number[],
    wanted: (step: RunFixture['steps'][number]) => number | readonly number[] | undefined,
    tolerances: number | readonly number[],
  ) => {
    const expected = steps.map((step) => [wanted(step) ?? []].flat())
    if (expected.every((list) => list.length === 0)) return
    const each = expected.flatMap((list, i) =>
      list.map(() => (typeof tolerances === 'number' ? tolerances : (tolerances[i] ?? Number.NaN))),
    )
    compareNumbers(subject, prefix + name, updates.flatMap(got), expected.flat(), each)
  }
  lists(
    'loss',
    ({ loss }) => loss,
    ({ loss }) => loss,
    tolerance.loss,
  )
  lists(
    'micro losses',
    ({ microLosses }) => microLosses,
    (step) => step.micro_losses,
    tolerance.loss.map((value) => 2 * value),
  )
  lists(
    'gradient norm',
    ({ gradientNorm }) => gradientNorm,
    (step) => step.gradient_norm,
    tolerance.gradient_norm,
  )
  lists(
    'learning rates',
    ({ learningRates }) => learningRates.slice(0, fixture.optimizer.groups.length),
    (step) => step.learning_rates,
    tolerance.learning_rate,
  )
  for (const name of ['log_scale', 'bias'] as const)
    lists(
      name,
      ({ lossParameters }) => lossParameters[name] ?? Number.NaN,
      (step) => step[name],
      tolerance[name] ?? Number.NaN,
    )
}

export function compareOutcome(
  subject: RunSubject,
  { evaluations, updates, best }: TuningOutcome,
  scalars: Readonly<Record<string, number>>,
  prefix: string,
): void {
  const { fixture } = subject
  const { tolerance, early_stopping: stopping } = fixture
  const finals = { log_scale: fixture.final_log_scale, bias: fixture.final_bias }
  for (const [name, wanted] of Object.entries(finals)) {
    if (wanted === undefined) continue
    const found = scalars[name] ?? Number.NaN
    const allowed = tolerance[name === 'bias' ? 'bias' : 'log_scale'] ?? Number.NaN
    compareNumbers(subject, `${prefix}final ${name}`, [found], [wanted], allowed)
  }
  if (stopping === undefined) return
  const { dev_losses: wanted, expect } = stopping
  compareJson(
    subject,
    `${prefix}evaluations`,
    evaluations.map(({ step }) => step),
    wanted.map(({ step }) => step),
  )
  compareNumbers(
    subject,
    `${prefix}dev loss`,
    evaluations.map(({ figures }) => figures.loss ?? Number.NaN),
    wanted.map(({ loss }) => loss),
    tolerance.dev_loss ?? Number.NaN,
  )
  compareJson(subject, `${prefix}early stopping`, { stop_step: updates, best_step: best?.update }, expect)
}

/** Gradients of the first update, and which arrays have none. */
export function compareGradients(
  subject: RunSubject,
  trained: Trained,
  gradients: NamedArrays,
  prefix: string,
): void {
  const { fixture, expected, recorder, keys } = subject
  const { relative, floor } = fixture.tolerance.gradient
  const found = new Map(
    Object.entries(gradients).map(([name, value]) => [trained.peftName(name), value] as const),
  )
  for (const [key, tensor] of expected) {
    if (!key.startsWith('step1/grad/')) continue
    const wanted = toF32(tensor)
    const largest = wanted.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const got = found.get(key.slice('step1/grad/'.length))
    // A scalar is stored as a list of one.
    const shaped = got && f32(wanted.dims, got.data)
    keys.add(prefix + key)
    const at = { case: key, stage: `${prefix}gradient`, key: prefix + key }
    recorder.compare(at, shaped, wanted, Math.max(floor, relative * largest))
  }
  const all = Object.keys({ ...trained.parameters, ...trained.idle })
  const without = all.map((name) => trained.peftName(name)).filter((name) => !found.has(name))
  compareJson(subject, `${prefix}without gradient`, without.sort(), [...fixture.without_gradient].sort())
}

/**
 * The trained values after an update, or at the best evaluation, with those of the reference.
 * @param values of the arrays that are trained, by canonical name
 */
export function compareAdapter(
  subject: RunSubject,
  trained: Trained,
  name: string,
  values: NamedArrays,
  prefix: string,
): void {
  const { adapters, fixture, recorder, keys } = subject
  const adapter = adapters.get(name)
  const allowed = fixture.tolerance.adapter[name]
  if (adapter === undefined || allowed === undefined) return
  const found = new Map(
    Object.entries({ ...values, ...trained.idle }).map(([at, value]) => [trained.peftName(at), value]),
  )
  for (const [tensor, wanted] of Object.entries(arraysOf(adapter))) {
    const key = `${prefix}adapter-${name}/${tensor}`
    keys.add(key)
    const at = { case: tensor, stage: `${prefix}adapter-${name}`, key }
    const got = found.get(tensor)
    recorder.compare(at, got, wanted, allowed.max)
    const squares = wanted.data.reduce(
      (sum, value, i) => sum + (value - (got?.data[i] ?? Number.NaN)) ** 2,
      0,
    )
    const rms = Math.sqrt(squares / wanted.data.length)
    recorder.compareList({ ...at, stage: `${prefix}adapter-${name} rms` }, [rms], [0], allowed.rms)
  }
}

/** The vectors of all items by the embedder, in the state that a written folder has. */
export async function compareVectors(
  subject: RunSubject,
  trained: Trained,
  when: 'before' | 'after',
  prefix: string,
): Promise<void> {
  const { model, items, device, fixture, expected, recorder, keys } = subject
  const vectors = await vectorsOf(model, items, trained.tuned(), device)
  const name = `vectors/${when}`
  const key = prefix + name
  keys.add(key)
  const wanted = expected.get(name) ?? f32([0], [])
  recorder.compare({ case: when, stage: key, key }, vectors, wanted, fixture.tolerance.vectors[when])
}

/** All arrays of an adapter by the names in its file. */
function arraysOf(adapter: Adapter): NamedArrays {
  return { ...adapterParameters(adapter), ...Object.fromEntries(adapter.replaced ?? []) }
}
