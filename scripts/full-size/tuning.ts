/**
 * @file Steps of a tuning with a planted checkpoint: low-rank updates on all linear layers of the
 * decoder, InfoNCE over pairs of short texts. The first loss must be the one by hand, and the
 * second loss what the gradients of the first step foretell.
 */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tensor } from '../../src/foundation/numeric/tensor.ts'
import { keyed } from '../../src/inputs/data/item.ts'
import { memorySource } from '../../src/inputs/data/pairs/source.ts'
import { optimizerSettings, scheduleSettings } from '../../src/learning/training/settings.ts'
import { fixedPlan } from '../../src/learning/tuning/batches.ts'
import { makeLoss } from '../../src/learning/tuning/losses/make.ts'
import { lossSettings } from '../../src/learning/tuning/losses/settings.ts'
import { runTuning, type TuningUpdate } from '../../src/learning/tuning/run.ts'
import { trainSettings } from '../../src/learning/tuning/trained/settings.ts'
import { openTrained } from '../../src/learning/tuning/trained/trained.ts'
import { tunableModel } from '../../src/learning/tuning/tunable.ts'
import { openSubject } from '../../src/models/embedder/subject.ts'
import type { WrittenCheckpoint } from './checkpoint.ts'
import { markOf, vectorByHand } from './decoder.ts'
import type { Layout } from './layout.ts'
import { strengthOf } from './plants.ts'
import { type Span, stopwatch } from './trial.ts'

/** Each is the query of the other one, so that a step has no more positions than need be. */
export const TEXTS = ['What is in the picture?', 'Two dogs on a beach, at night.']
const RANK = 8
const TEMPERATURE = 0.02
/** Small: the loss is nearly a line over one update. Yet it changes by more than rounding does. */
const LEARNING_RATE = 1e-4

export interface TunedSteps {
  /** Of each step, the first with what is done once: opening, and reading every weight. */
  readonly steps: readonly Span[]
  readonly losses: readonly number[]
  /** The first loss by hand. */
  readonly byHand: number
  /** By how much the loss changes by the first update, along its gradients. */
  readonly foretold: number
  /** Positions of a step. */
  readonly positions: number
  /** Trained numbers. */
  readonly trained: number
}

/** Two steps. @param recompute see `TuningRun` */
export async function tuneSteps(
  dir: string,
  layout: Layout,
  written: WrittenCheckpoint,
  { threads, recompute }: { threads?: number; recompute: boolean },
): Promise<TunedSteps> {
  const subject = await openSubject(dir, { memory: 'low', preset: 'none', threads })
  const opened = tunableModel(subject)
  // No prompt around a text: the made-up vocabulary would make a hundred tokens of it.
  const { prompt } = opened.contract
  const contract = { ...opened.contract, prompt: { ...prompt, template: '{text}' } }
  const model = { ...opened, contract }
  const train = trainSettings.parse({ rank: RANK, targets: 'decoder' })
  const trained = await openTrained(model, train, 1)
  const initial = Object.fromEntries(
    Object.entries(trained.parameters).map(([name, { data }]) => [name, data.slice()]),
  )
  const [first, second] = [keyed({ text: TEXTS[0] }), keyed({ text: TEXTS[1] })]
  const pairs = [
    { query: first, target: second, negatives: [] },
    { query: second, target: first, negatives: [] },
  ]
  const source = memorySource('texts', pairs)
  const batch = pairs.map((_, row) => ({ source: source.name, row }))
  const steps: Span[] = []
  const updates: TuningUpdate[] = []
  let foretold = 0
  let timer = stopwatch()
  const work = join(dir, 'tuning')
  try {
    await runTuning({
      id: layout.name,
      model,
      modelHash: layout.name,
      trained,
      loss: makeLoss(lossSettings.parse({ temperature: TEMPERATURE })),
      readouts: { own: subject.encoder.contract.readout },
      sources: [source],
      plan: fixedPlan([[batch], [batch]]),
      updates: 2,
      optimizer: optimizerSettings.parse({ learningRate: LEARNING_RATE }),
      schedule: scheduleSettings.parse({ kind: 'constant', warmup: 0 }),
      settings: {},
      dir: work,
      threads,
      memory: 'low',
      recompute,
      onUpdate: (update) => {
        steps.push(timer())
        if (updates.length === 0) foretold = change(update.gradients, trained.parameters, initial)
        updates.push(update)
        timer = stopwatch()
      },
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  const strength = strengthOf(written.plants)
  const vectors = written.others.map((item) =>
    vectorByHand(
      layout.decoder,
      layout.carriers(item, strength),
      strength,
      item.inputIds.map((id) => (written.marked.has(id) ? markOf(id, layout.decoder) : undefined)),
    ),
  )
  return {
    steps,
    losses: updates.map(({ loss }) => loss),
    byHand: lossByHand(vectors),
    foretold,
    positions: written.others.reduce((sum, { inputIds }) => sum + inputIds.length, 0),
    trained: Object.values(initial).reduce((sum, { length }) => sum + length, 0),
  }
}

/** `Σ gradient · (after − before)`. */
function change(
  gradients: Readonly<Record<string, Tensor<'f32'>>>,
  after: Readonly<Record<string, Tensor<'f32'>>>,
  before: Readonly<Record<string, Float32Array>>,
): number {
  let sum = 0
  for (const [name, { data }] of Object.entries(gradients))
    for (let i = 0; i < data.length; i++) sum += data[i]! * (after[name]!.data[i]! - before[name]![i]!)
  return sum
}

/** InfoNCE: for either query, the text itself is the wrong target. @param vectors of `TEXTS` */
function lossByHand([first, second]: readonly Float64Array[]): number {
  const cosine = first!.reduce((sum, value, at) => sum + value * second![at]!, 0)
  return Math.log1p(Math.exp((1 - cosine) / TEMPERATURE))
}
