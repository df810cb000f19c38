/**
 * @file Tunings of a tiny random model on pictures of four colours: each test changes what it is
 * about.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { fillNormal, stream } from '../src/foundation/numeric/random.ts'
import { keyed, type Picture } from '../src/inputs/data/item.ts'
import { memorySource } from '../src/inputs/data/pairs/source.ts'
import type { Pair } from '../src/inputs/data/task.ts'
import { MediaError } from '../src/inputs/media/errors.ts'
import { optimizerSettings, scheduleSettings } from '../src/learning/training/settings.ts'
import { sampledPlan } from '../src/learning/tuning/batches.ts'
import { makeLoss } from '../src/learning/tuning/losses/make.ts'
import { lossSettings } from '../src/learning/tuning/losses/settings.ts'
import { runTuning, type TuningRun, type TuningUpdate } from '../src/learning/tuning/run.ts'
import { type TrainSettings, trainSettings } from '../src/learning/tuning/trained/settings.ts'
import { openTrained } from '../src/learning/tuning/trained/trained.ts'
import { trainedReadouts, tunableModel } from '../src/learning/tuning/tunable.ts'
import { type LoadOptions, openSubject } from '../src/models/embedder/subject.ts'
import { writeRandomTwins } from './random-twins.ts'

const words = ['red', 'green', 'blue', 'black']
const colours = [
  [220, 20, 20],
  [20, 200, 20],
  [20, 20, 220],
  [10, 10, 10],
]

/** Keys of the pictures in the order in which they were decoded. */
export const decoded: string[] = []

function picture(colour: number, grain: number): Picture {
  const key = `${words[colour]} ${grain}`
  return {
    key,
    read() {
      decoded.push(key)
      const random = stream('grain', colour, grain)
      const data = Uint8Array.from(
        { length: 48 * 48 * 3 },
        (_, i) => colours[colour]![i % 3]! + Math.floor(random() * 30),
      )
      return { width: 48, height: 48, data }
    },
  }
}

export const broken: Picture = {
  key: 'broken',
  read: () => {
    throw new MediaError('damaged', { message: 'broken.png ends too early', hint: 'Fetch it again.' })
  },
}

export const textItem = (colour: number) => keyed({ text: words[colour] })
const imageItem = (colour: number, grain: number) =>
  keyed({ instruction: 'What colour is it?', image: picture(colour, grain) })
export const named: Pair[] = Array.from({ length: 24 }, (_, i) => ({
  query: imageItem(i % 4, i),
  target: textItem(i % 4),
  negatives: [textItem((i + 1) % 4)],
}))
const found: Pair[] = Array.from({ length: 8 }, (_, i) => ({
  query: textItem(i % 4),
  target: imageItem(i % 4, i),
  negatives: [],
}))
export const sources = [memorySource('name it', named), memorySource('find it', found)]

/** Opens a folder for the tunings of a test file, and removes it behind them. */
export function tinyTunings() {
  let dir = ''
  let folder = ''
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'bifocal-run-'))
    folder = (await writeRandomTwins(dir)).ar
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))
  /** Tunes, in the folder of this name. */
  return async function run(
    name: string,
    options: Partial<TuningRun> = {},
    train: Partial<TrainSettings> = {},
    load: Pick<LoadOptions, 'attention' | 'blockSize'> = {},
  ) {
    const subject = await openSubject(folder, { threads: 1, ...load })
    const model = tunableModel(subject)
    const trained = await openTrained(model, trainSettings.parse({ rank: 8, ...train }), 3)
    const { parameters } = trained
    // Where B is zero, A has no gradient.
    for (const [name, { data }] of Object.entries(parameters))
      if (name.includes('lora_B')) fillNormal(data, 0.05, stream('B', name))
    const updates: TuningUpdate[] = []
    const all: TuningRun = {
      id: 'tiny',
      model,
      modelHash: 'tiny twin',
      trained,
      loss: makeLoss(lossSettings.parse({ temperature: 0.1 })),
      readouts: trainedReadouts(subject),
      sources,
      plan: sampledPlan({ sources, batch: 8, subBatch: 4, seed: 3 }),
      updates: 6,
      optimizer: optimizerSettings.parse({ learningRate: 5e-3 }),
      schedule: scheduleSettings.parse({}),
      clip: 1,
      settings: { seed: 3 },
      dir: join(dir, name),
      threads: 1,
      onUpdate: (update) => updates.push(update),
      ...options,
    }
    const outcome = await runTuning(all)
    return { outcome, updates, parameters, log: readFileSync(outcome.log, 'utf8') }
  }
}
