/**
 * @file The steps of a tuning against the reference: the optimiser alone, on the reference's own
 * gradients; then all of it, by the trainer that users get, in one graph and by GradCache.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { toF32 } from '../../foundation/numeric/float.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import type { NamedArrays } from '../../learning/training/arrays.ts'
import { TrainingError } from '../../learning/training/errors.ts'
import { groupsOf } from '../../learning/training/groups.ts'
import { train } from '../../learning/training/loop.ts'
import { openOptimizer } from '../../learning/training/optimizer.ts'
import { scheduleOf } from '../../learning/training/schedule.ts'
import { optimizerSettings, scheduleSettings } from '../../learning/training/settings.ts'
import { fixedPlan } from '../../learning/tuning/batches.ts'
import { makeLoss } from '../../learning/tuning/losses/make.ts'
import { lossSettings } from '../../learning/tuning/losses/settings.ts'
import { runTuning, type TuningUpdate } from '../../learning/tuning/run.ts'
import { type Trained, trainedFromAdapter } from '../../learning/tuning/trained/trained.ts'
import type { Adapter } from '../../models/checkpoint/adapter.ts'
import { copiesOf, copyOf } from './adapter-copies.ts'
import { vectorsOf } from './trained-vectors.ts'
import { compareGradients, compareVector, type TuningFixture, type TuningSubject } from './tuning-subject.ts'

/** A step of a training: its figures, and the trained values after it. */
interface Step {
  readonly update: TuningUpdate
  /** By the names of the adapter's file. */
  readonly after: NamedArrays
}

/**
 * Compares every step.
 * @returns the state after the last recorded step
 */
export async function compareSteps(subject: TuningSubject, adapter: Adapter): Promise<Trained> {
  const { fixture, model, queries, targets, device, recorder } = subject
  const { tolerance, losses, optimizer } = fixture
  const trained = trainedFromAdapter(model, copyOf(adapter))
  const before = await vectorsOf(model, [...queries, ...targets], trained.tuned(), device)
  const [query, target] = halves(before)
  compareVector(subject, 'vectors', 'step0/query', query, tolerance.vectors)
  compareVector(subject, 'vectors', 'step0/target', target, tolerance.vectors)
  const steps = await trainedSteps(subject, trained, Number.MAX_SAFE_INTEGER)
  const where = { case: 'schedule', stage: 'learning rate', key: 'lr_at_step' }
  const rates = steps.map(({ update }) => update.learningRates[0]!)
  recorder.compareList(where, rates, optimizer.lr_at_step.slice(0, losses.length), 1e-9)
  await compareReplay(subject, trainedFromAdapter(model, copyOf(adapter)))
  for (const [step, { update, after }] of steps.entries()) {
    const at = { case: `step ${step}`, stage: 'loss', key: `losses ${step}` }
    recorder.compareList(at, [update.loss], [losses[step]!], tolerance.loss)
    const gradients = byFileNames(update.gradients, trained)
    compareGradients(subject, `step${step}/grad/`, gradients)
    const strangers = Object.keys(gradients).filter((name) => fixture.without_gradient.includes(name))
    recorder.check(
      { case: `step ${step}`, stage: 'grad' },
      strangers.length === 0,
      `the reference has no gradient of ${strangers}`,
    )
    compareAfter(subject, step, after, 'after', tolerance.after)
  }
  const final = await vectorsOf(model, queries, trained.tuned(), device)
  compareVector(subject, 'final', 'final/query', final, tolerance.final ?? tolerance.vectors)
  await compareChunked(subject, adapter)
  return trained
}

/** Runs the trainer. Afterwards the state is the one after the last recorded step. */
async function trainedSteps(subject: TuningSubject, trained: Trained, chunkTokens: number): Promise<Step[]> {
  const { dir, fixture, model, queries, targets, device, recorder } = subject
  const { schedule, updates } = scheduleIn(fixture)
  const pairs = queries.map((query, i) => ({ query, target: targets[i]!, negatives: [] }))
  const steps: Step[] = []
  let last: NamedArrays = {}
  const work = await mkdtemp(join(tmpdir(), 'bifocal-tuning-'))
  try {
    await runTuning({
      id: basename(dir),
      model,
      modelHash: basename(dir),
      trained,
      loss: makeLoss(lossSettings.parse({ temperature: fixture.temperature, falseNegatives: 'keep' })),
      readouts: { vector: model.contract.readout },
      sources: [memorySource('pairs', pairs)],
      plan: fixedPlan([[pairs.map((_, row) => ({ source: 'pairs', row }))]]),
      // The schedule is longer than the steps that are recorded.
      updates: Math.max(updates, fixture.losses.length),
      optimizer: optimizerIn(fixture),
      schedule,
      chunkTokens,
      settings: {},
      dir: join(work, 'run'),
      device,
      onUpdate(update) {
        if (steps.length === fixture.losses.length) return
        last = copiesOf(trained.parameters)
        steps.push({ update, after: byFileNames({ ...last, ...trained.idle }, trained) })
      },
    })
  } catch (error) {
    // A training that stops is a miss, told by the step at which it stopped.
    if (!(error instanceof TrainingError)) throw error
    recorder.check({ case: `step ${steps.length}`, stage: 'loss' }, false, error.message)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  for (const [name, { data }] of Object.entries(last)) trained.parameters[name]!.data.set(data)
  return steps
}

/** The optimiser alone, on the reference's own gradients. */
async function compareReplay(subject: TuningSubject, trained: Trained): Promise<void> {
  const { fixture, expected } = subject
  const parameters = Object.fromEntries(
    Object.entries(byFileNames(trained.parameters, trained)).filter(
      ([name]) => !fixture.without_gradient.includes(name),
    ),
  )
  const { schedule, updates } = scheduleIn(fixture)
  const optimizer = await openOptimizer(parameters, groupsOf(optimizerIn(fixture)))
  try {
    await train({
      parameters,
      optimizer,
      schedule: scheduleOf(schedule, Math.max(updates, fixture.losses.length)),
      steps: fixture.losses.length,
      gradient: async ({ step }) => {
        const gradients = Object.keys(parameters).flatMap((name) => {
          const gradient = expected.get(`step${step}/grad/${name}`)
          return gradient === undefined ? [] : [[name, toF32(gradient)] as const]
        })
        return { loss: fixture.losses[step]!, metrics: {}, gradients: Object.fromEntries(gradients) }
      },
      onProgress: ({ step }) =>
        compareAfter(subject, step - 1, parameters, 'replay', fixture.tolerance.replay),
    })
  } finally {
    await optimizer.close()
  }
}

/** The first step by chunks, where the fixture has one. */
async function compareChunked(subject: TuningSubject, adapter: Adapter): Promise<void> {
  const { fixture, model, queries, targets, longest, recorder } = subject
  if (fixture.gradcache === undefined) return
  const { chunk, loss } = fixture.gradcache
  const trained = trainedFromAdapter(model, copyOf(adapter))
  const [first] = await trainedSteps(subject, trained, chunk * longest)
  const where = { case: 'gradcache', stage: 'gradcache loss', key: 'gradcache loss' }
  recorder.compareList(where, [first?.update.loss ?? Number.NaN], [loss], fixture.tolerance.loss)
  const cached = first?.update.batches[0]?.cached
  recorder.check({ case: 'gradcache', stage: 'gradcache' }, cached !== undefined, 'it ran in one piece')
  const rows = cached?.cache.vector
  const width = rows?.dims[1] ?? 0
  const of = (items: TuningSubject['queries']) => {
    const data = items.flatMap(({ key }) => {
      const row = cached?.rowOf.get(key) ?? 0
      return Array.from(rows?.data.subarray(row * width, (row + 1) * width) ?? [])
    })
    return f32([items.length, width], data)
  }
  compareGradients(
    subject,
    'gradcache/cache/',
    { query: of(queries), target: of(targets) },
    'gradcache cache',
  )
  const gradients = byFileNames(first?.update.gradients ?? {}, trained)
  compareGradients(subject, 'gradcache/grad/', gradients, 'gradcache grad')
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

function optimizerIn({ optimizer: { lr, betas, eps, weight_decay: weightDecay } }: TuningFixture) {
  // Everything decays, magnitudes of DoRA too.
  const groups = [{ match: '^', learningRate: lr, weightDecay }]
  return optimizerSettings.parse({ betas, epsilon: eps, groups })
}

/** The schedule that the fixture says in words. */
function scheduleIn({ optimizer }: TuningFixture) {
  const [warmup = 0, updates = 0] = (/^linear, (\d+) warm-up steps of (\d+)$/.exec(optimizer.schedule) ?? [])
    .slice(1)
    .map(Number)
  return { schedule: scheduleSettings.parse({ kind: 'linear', warmup }), updates }
}

function byFileNames(arrays: NamedArrays, trained: Trained): NamedArrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, value]) => [trained.peftName(name), value] as const),
  )
}

/** The vectors of queries and of targets. */
function halves(rows: Tensor<'f32'> | undefined): [Tensor<'f32'> | undefined, Tensor<'f32'> | undefined] {
  if (rows === undefined) return [undefined, undefined]
  const [count = 0, width = 0] = rows.dims
  const half = count / 2
  return [
    f32([half, width], rows.data.slice(0, half * width)),
    f32([half, width], rows.data.slice(half * width)),
  ]
}
