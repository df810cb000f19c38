/** @file Foretells a tuning with the default settings, of a model that has no pairs yet. */

import { keyItem, readItem } from '../../../inputs/data/item.ts'
import type { MachineSpeed } from '../../../models/embedder/probe.ts'
import { sampleItems } from '../../../models/embedder/sample-items.ts'
import { sequencePreparer } from '../../../models/embedder/sequence.ts'
import { type LoadOptions, openSubject } from '../../../models/embedder/subject.ts'
import { CHUNK_TOKENS } from '../run.ts'
import { tuneSettings } from '../settings.ts'
import { openTrained } from '../trained/trained.ts'
import { tunableModel } from '../tunable.ts'
import { forecastTuning } from './forecast.ts'
import type { TuningForecast } from './plan.ts'

/** The forecast, and the pairs of an update that it is for. */
export interface TypicalForecast extends TuningForecast {
  readonly pairs: number
}

/** Updates over which the first sight of pictures is spread. */
const UPDATES = 100

/**
 * Batches of the default size: pictures with a question, and answers, every picture seen once.
 * @param machine as it was measured in f32; default: it is measured now
 * @throws TuningError `tuning/subject` for a dual encoder, `tuning/adapted`; what `openSubject` and
 *   processors throw
 * @example (await typicalForecast('bifocal:twin-ar')).secondsPerUpdate
 */
export async function typicalForecast(
  path: string,
  options: LoadOptions = {},
  machine?: MachineSpeed,
): Promise<TypicalForecast> {
  const { encoder, ...subject } = await openSubject(path, { ...options, dtype: 'f32' })
  const settings = tuneSettings.parse({ model: path, out: path, data: [{ path }] })
  const model = tunableModel({ ...subject, encoder })
  const trained = await openTrained(model, settings.train, settings.seed)
  const readouts = [encoder.contract.readout]
  const prepare = await sequencePreparer(model.model, { ...encoder, readouts })
  const queries = sampleItems().filter(({ kind }) => kind === 'both')
  const targets = sampleItems().filter(({ kind }) => kind === 'text')
  const { size } = settings.batch
  const prepared = await Promise.all(
    [...queries, ...targets].map(async ({ item }) => prepare(await readItem(await keyItem(item)))),
  )
  const batch = Array.from({ length: 2 * size }, (_, i) => prepared[i % prepared.length]!)
  const forecast = await forecastTuning({
    model: model.model,
    encoder,
    weights: trained.training(),
    readouts,
    tower: trained.tower,
    trained: trained.modules.reduce((sum, { size: numbers }) => sum + numbers, 0),
    batches: [batch],
    chunkTokens: CHUNK_TOKENS,
    recompute: false,
    accumulate: 1,
    updates: UPDATES,
    pictures: size * UPDATES,
    picturesOfBatch: size,
    evaluated: 0,
    machine,
  })
  return { ...forecast, secondsPerUpdate: forecast.seconds / UPDATES, pairs: size }
}
