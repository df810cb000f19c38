/** @file Makes the plan of an opened tuning: counts pairs, tries the first batches, foretells. */

import { BifocalError, InterruptedError } from '../../../foundation/numeric/errors.ts'
import { sizeOf } from '../../../foundation/numeric/tensor.ts'
import { type KeyedItem, readItem } from '../../../inputs/data/item.ts'
import { describePairs, pairWarnings } from '../../../inputs/data/pairs/describe.ts'
import type { PairSource } from '../../../inputs/data/pairs/source.ts'
import type { Pair } from '../../../inputs/data/task.ts'
import { type Sequence, sequencePreparer } from '../../../models/embedder/sequence.ts'
import { modelParameters } from '../../../models/families/parameters.ts'
import { publicName } from '../../../models/hub/public-name.ts'
import type { BatchPlan } from '../batches.ts'
import { CHUNK_TOKENS } from '../run.ts'
import { unmatchedNames } from '../trained/modules.ts'
import { chunkShapes, forecastTuning } from './forecast.ts'
import type { JobHooks, OpenedJob } from './opened.ts'
import {
  modulesByKind,
  type PlannedSource,
  type PlannedUpdate,
  type TuningForecast,
  type TuningPlan,
} from './plan.ts'
import { planWarnings, type UnreadableShare } from './warnings.ts'

/** Items of the first batches that are prepared, at most: pictures take time to decode. */
const MOST_TRIED = 96
/** The code of an item that takes more positions than it may. */
const TOO_LONG = 'family/too-long'

/** @throws InterruptedError; RuntimeError for the device */
export async function planOf(job: OpenedJob, batches: BatchPlan, hooks: JobHooks): Promise<TuningPlan> {
  const { settings, model, trained, updates, dev } = job
  const { contract } = job.subject.encoder
  const sources = job.sources.map(plannedSource)
  const tried = await triedBatches(job, batches, hooks)
  const pairs = sources.reduce((sum, { train }) => sum + train, 0)
  const pairsAnUpdate = settings.batch.size * settings.batch.accumulate
  const devPairs = dev.reduce((sum, { rows }) => sum + rows, 0)
  const numbers = modelParameters(model.model, { head: false }).reduce(
    (sum, { dims }) => sum + sizeOf(dims),
    0,
  )
  const trainedNumbers = trained.modules.reduce((sum, { size }) => sum + size, 0)
  const reading = {
    attention: contract.attention,
    readout: contract.readout,
    truncation: contract.truncation,
    maxLength: contract.maxLength,
    image: contract.image,
  }
  const facts = {
    settings,
    model: model.model,
    reading,
    sources,
    devPairs,
    updates,
    tooLong: tried.tooLong,
    unreadable: tried.unreadable,
    devTrained: devTrained(job),
    unmatched: settings.train.continue ? [] : unmatchedNames(model, settings.train),
  }
  // Rows that were left out have been told when the source was opened.
  const data = job.sources
    .flatMap(({ whole }) => pairWarnings(describePairs(whole)))
    .filter(({ code }) => code !== 'left-out')
  return {
    model: { name: publicName(settings.model), family: model.model.family, parameters: numbers },
    settings,
    reading,
    sources,
    devPairs,
    devEvery: devEvery(job),
    updates,
    epochs: (updates * pairsAnUpdate) / pairs,
    update: plannedUpdate(job, tried),
    trained: { parameters: trainedNumbers, modules: modulesByKind(trained.modules) },
    forecast: await forecastOf(job, tried, { devPairs, trained: trainedNumbers }),
    warnings: [...data.map(({ message, hint }) => ({ message, hint })), ...planWarnings(facts)],
  }
}

/** Updates between two evaluations. */
export function devEvery({ settings, updates }: Pick<OpenedJob, 'settings' | 'updates'>): number {
  return settings.dev.every ?? Math.max(1, Math.ceil(updates / 20))
}

/** Dev pairs whose query and target are a training pair too. */
function devTrained({ settings, sources, dev }: OpenedJob): number {
  if (settings.dev.data.length === 0) return 0
  const places = (source: PairSource) =>
    Array.from({ length: source.rows }, (_, row) => source.facts(row).share)
  const seen = new Set<number>()
  for (const { train } of sources) for (const place of places(train)) seen.add(place)
  return dev.flatMap((source) => places(source).filter((place) => seen.has(place))).length
}

function plannedSource({ weight, whole, train, dev }: OpenedJob['sources'][number]): PlannedSource {
  const { rows, targets, commonest, negatives } = describePairs(whole)
  let withPictures = 0
  for (let row = 0; row < rows; row++) {
    const { pictures } = whole.facts(row)
    if (pictures.query + pictures.target > 0) withPictures++
  }
  return {
    name: whole.name,
    pairs: rows,
    train: train.rows,
    dev: dev.rows,
    weight,
    withPictures,
    negatives: negatives.total,
    targets,
    commonest,
    fingerprint: whole.fingerprint,
  }
}

interface Tried {
  /** Items of each batch that was tried, prepared. */
  readonly batches: readonly (readonly Sequence[])[]
  /** Distinct items of a whole batch, on average. */
  readonly items: number
  /** Share of the items that take more positions than they may. */
  readonly tooLong: number
  /** Share of the pairs and items that cannot be read for another reason, and the first reason. */
  readonly unreadable: UnreadableShare
}

/** Prepares the items of the first batches, as many as a moment allows. */
async function triedBatches(job: OpenedJob, plan: BatchPlan, { signal }: JobHooks): Promise<Tried> {
  const { settings, model, subject, updates } = job
  const { encoder } = subject
  const byName = new Map(job.sources.map(({ train }) => [train.name, train]))
  const prepare = await sequencePreparer(model.model, { ...encoder, readouts: [encoder.contract.readout] })
  const batches: Sequence[][] = []
  const failures: BifocalError[] = []
  let [items, seen, lost] = [0, 0, 0]
  for (let update = 0; update < Math.min(2, updates) && seen < MOST_TRIED; update++) {
    for (const batch of plan(update)) {
      const prepared: Sequence[] = []
      const keys = new Set<string>()
      // A part of a large batch stands for all of it.
      const most = Math.max(1, Math.floor(MOST_TRIED / 3))
      let taken = 0
      for (const { source, row } of batch.slice(0, most)) {
        if (signal?.aborted) throw new InterruptedError('the plan', signal)
        const pair = await readable(async () => await byName.get(source)!.read(row, signal))
        if (pair instanceof BifocalError) {
          failures.push(pair)
          lost++
          continue
        }
        taken++
        for (const item of itemsIn(pair, settings.batch.negatives)) {
          if (keys.has(item.key)) continue
          keys.add(item.key)
          seen++
          const made = await readable(async () => prepare(await readItem(item)))
          if (made instanceof BifocalError) failures.push(made)
          else prepared.push(made)
        }
      }
      if (taken === 0) continue
      const scale = batch.length / taken
      items += keys.size * scale
      batches.push(
        Array.from(
          { length: Math.round(prepared.length * scale) },
          (_, i) => prepared[i % prepared.length]!,
        ).filter((one) => one !== undefined),
      )
      if (seen >= MOST_TRIED) break
    }
  }
  const others = failures.filter(({ code }) => code !== TOO_LONG)
  return {
    batches: batches.filter((batch) => batch.length > 0),
    items: batches.length === 0 ? 0 : items / batches.length,
    tooLong: seen === 0 ? 0 : (failures.length - others.length) / seen,
    unreadable: {
      share: others.length === 0 ? 0 : others.length / (seen + lost),
      reason: others[0]?.message ?? '',
    },
  }
}

/** The error of what cannot be read: the training will list it. @throws InterruptedError */
async function readable<T>(read: () => Promise<T>): Promise<T | BifocalError> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof BifocalError)) throw error
    return error
  }
}

function itemsIn({ query, target, negatives }: Pair, most: number | null): KeyedItem[] {
  return [query, target, ...negatives.slice(0, most ?? negatives.length)]
}

function plannedUpdate({ settings }: OpenedJob, { batches, items }: Tried): PlannedUpdate {
  const { size, accumulate } = settings.batch
  const mean = (of: (batch: readonly Sequence[]) => number) =>
    batches.length === 0 ? 0 : batches.reduce((sum, batch) => sum + of(batch), 0) / batches.length
  return {
    pairs: size * accumulate,
    items: items * accumulate,
    tokens: accumulate * mean((batch) => batch.reduce((sum, { tokens }) => sum + tokens, 0)),
    pictures: accumulate * mean((batch) => batch.filter(({ pictureKey }) => pictureKey !== undefined).length),
    chunks: mean((batch) => {
      const { whole, shapes } = chunkShapes(
        batch.map(({ tokens }) => tokens),
        settings.batch.chunkTokens ?? CHUNK_TOKENS,
      )
      return whole ? 1 : shapes.length
    }),
  }
}

async function forecastOf(
  job: OpenedJob,
  { batches }: Tried,
  { devPairs, trained }: { devPairs: number; trained: number },
): Promise<TuningForecast | undefined> {
  if (batches.length === 0) return undefined
  const { settings, subject, model, updates, sources } = job
  const evaluations = devPairs === 0 ? 0 : Math.ceil(updates / devEvery(job)) + 2
  const pictures = sources.reduce((sum, { train }) => {
    let count = 0
    for (let row = 0; row < train.rows; row++) {
      const facts = train.facts(row)
      count += facts.pictures.query + facts.pictures.target
    }
    return sum + count
  }, 0)
  return await forecastTuning({
    model: model.model,
    encoder: subject.encoder,
    weights: job.trained.training(),
    readouts: [subject.encoder.contract.readout],
    tower: job.trained.tower,
    trained,
    batches,
    chunkTokens: settings.batch.chunkTokens ?? CHUNK_TOKENS,
    recompute: settings.recompute,
    memory: settings.memory,
    accumulate: settings.batch.accumulate,
    updates,
    pictures,
    evaluated: evaluations * 2 * devPairs,
  })
}
