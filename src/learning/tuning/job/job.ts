/** @file A tuning from its settings to the finished folder. The command line and `tune` run it. */

import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../../foundation/files/file.ts'
import { lockAlone } from '../../../foundation/files/lock.ts'
import { removeAbandoned } from '../../../foundation/files/temporary.ts'
import { type BatchPlan, sampledPlan } from '../batches.ts'
import { TuningError } from '../errors.ts'
import { makeLoss } from '../losses/make.ts'
import { runTuning, type TuningUpdate } from '../run.ts'
import type { TuneSettings } from '../settings.ts'
import { decidingSettings, differences } from './deciding.ts'
import { EVENTS, writeDraft } from './folder.ts'
import { type JobHooks, type OpenedJob, openJob } from './opened.ts'
import { claimed, clear, type Places, placesOf, publish, requireEmpty, savedUpdates } from './places.ts'
import type { TuningPlan } from './plan.ts'
import { devEvery, planOf } from './planning.ts'
import type { TuningRecord } from './record-form.ts'
import { recordOf } from './recording.ts'

/** How far a tuning is. */
export interface TuneProgress {
  readonly label: string
  /** Updates, of `total`. */
  readonly done: number
  readonly total: number
  /** Loss and in-batch accuracy, in words. */
  readonly note: string
  readonly loss: number
  readonly accuracy: number | undefined
}

export interface RunHooks extends JobHooks {
  onPlan?: (plan: TuningPlan) => void
  /** Told of the updates that a run before has saved, once they are read and fit. */
  onResume?: (updates: number) => void
  onProgress?: (progress: TuneProgress) => void
}

export interface FinishedJob {
  readonly record: TuningRecord
  /** The folder. */
  readonly written: string
}

/**
 * The plan alone. Fetches the model where it is not here; trains nothing, writes nothing.
 * @throws as `runJob`
 */
export async function planTuning(settings: TuneSettings, hooks: JobHooks = {}): Promise<TuningPlan> {
  const job = await openJob(settings, hooks)
  try {
    return await planOf(job, batchesOf(job), hooks)
  } finally {
    await job.close()
  }
}

/**
 * Trains, then writes the embedder folder whole. A run that was stopped or killed goes on where it
 * was; one that is finished gives its record again.
 * @throws InterruptedError with the state saved; TuningError, among them `tuning/out` and
 *   `tuning/other-settings`; TrainingError; FileError; errors of pairs and models
 */
export async function runJob(settings: TuneSettings, hooks: RunHooks = {}): Promise<FinishedJob> {
  const places = placesOf(settings.out)
  const before = await claimed(places)
  const lock = await lockAlone(places.out)
  try {
    const job = await openJob(settings, hooks)
    try {
      const deciding = await decidingOf(job)
      if (before !== undefined) {
        requireSame(before.deciding, deciding, `${places.out} is the finished tuning`)
        await clear(places)
        return { record: before, written: places.out }
      }
      return await trained(job, places, deciding, hooks)
    } finally {
      await job.close()
    }
  } finally {
    await lock.release()
  }
}

async function trained(
  job: OpenedJob,
  places: Places,
  deciding: Readonly<Record<string, unknown>>,
  hooks: RunHooks,
): Promise<FinishedJob> {
  const { settings, model, subject, updates } = job
  const batches = batchesOf(job)
  const plan = await planOf(job, batches, hooks)
  hooks.onPlan?.(plan)
  await removeAbandoned(places.work)
  const saved = await savedUpdates(places)
  const log = join(places.work, 'runs.json')
  let runs = await claimedWork(log, deciding, saved)
  let corrected = Promise.resolve()
  const dev = job.dev.length === 0 ? undefined : devOf(job)
  const outcome = await runTuning({
    id: plan.model.name,
    model,
    modelHash: await job.modelHash(),
    trained: job.trained,
    loss: makeLoss(settings.loss),
    readouts: { vector: subject.encoder.contract.readout },
    sources: job.sources.map(({ train }) => train),
    plan: batches,
    updates,
    optimizer: settings.optimizer,
    schedule: settings.schedule,
    ...(settings.clip !== null && { clip: settings.clip }),
    ...(settings.batch.chunkTokens !== null && { chunkTokens: settings.batch.chunkTokens }),
    ...(settings.batch.negatives !== null && { negatives: settings.batch.negatives }),
    ...(dev && { dev }),
    settings: deciding,
    dir: places.work,
    saveEvery: settings.saveEvery,
    strict: settings.strict,
    mostSkipped: settings.mostSkipped,
    device: settings.device,
    recompute: settings.recompute,
    memory: settings.memory,
    ...(settings.dtype !== null && { precision: settings.dtype }),
    ...(settings.tensorboard && { events: join(places.work, EVENTS) }),
    ...(settings.threads !== null && { threads: settings.threads }),
    signal: hooks.signal,
    onResume: (updates) => {
      // The newest snapshot was damaged: the training goes on from the one before.
      if (updates !== saved) {
        runs = { ...runs, resumedAt: [...runs.resumedAt.slice(0, -1), updates] }
        corrected = writeRuns(log, runs)
      }
      hooks.onResume?.(updates)
    },
    onUpdate: (update) => hooks.onProgress?.(progressOf(update)),
    warn: hooks.warn,
  }).finally(() => corrected)
  const record = await recordOf({ job, plan, outcome, deciding, resumedAt: runs.resumedAt })
  await writeDraft(job, record, { places, log: outcome.log, signal: hooks.signal })
  await publish(places)
  return { record, written: places.out }
}

function batchesOf({ settings, sources }: OpenedJob): BatchPlan {
  const { batch, seed } = settings
  return sampledPlan({
    sources: sources.map(({ train, weight }) => ({
      name: train.name,
      rows: train.rows,
      weight,
    })),
    batch: batch.size,
    subBatch: batch.subBatch ?? defaultSubBatch(batch.size, sources.length),
    accumulate: batch.accumulate,
    seed,
  })
}

/** Sub-batches of several sources: the largest part of a batch up to 8 pairs. */
function defaultSubBatch(size: number, sources: number): number {
  if (sources === 1) return size
  for (let part = Math.min(8, size); part > 1; part--) if (size % part === 0) return part
  return 1
}

function devOf(job: OpenedJob) {
  const { metric, patience, minDelta, keep } = job.settings.dev
  return {
    sources: job.dev,
    every: devEvery(job),
    // The score of the model as it came: the record says what the tuning gained.
    first: true,
    metric,
    ...(patience !== null && { patience }),
    minDelta,
    keep,
  }
}

async function decidingOf(job: OpenedJob): Promise<Record<string, unknown>> {
  const { settings, sources, dev } = job
  return {
    model: await job.modelHash(),
    ...decidingSettings(settings, {
      train: sources.map(({ train, weight }) => ({
        name: train.name,
        fingerprint: train.fingerprint,
        weight,
      })),
      dev: dev.map(({ name, fingerprint, rows }) => ({ name, fingerprint: `${rows} of ${fingerprint}` })),
    }),
  }
}

function requireSame(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  what: string,
): void {
  const differ = differences(before, now)
  if (differ.length === 0) return
  throw new TuningError('other-settings', {
    message: `${what} of other settings: ${differ.join('; ')}`,
    hint: 'Give the settings of then, or another --out.',
  })
}

function progressOf({ update, updates, loss, metrics }: TuningUpdate): TuneProgress {
  const { accuracy } = metrics
  const said = [
    `loss ${loss.toFixed(3)}`,
    ...(accuracy === undefined ? [] : [`accuracy ${accuracy.toFixed(2)}`]),
  ]
  return { label: 'tune', done: update, total: updates, note: said.join(', '), loss, accuracy }
}

type Runs = z.output<typeof runsSchema>

const runsSchema = z.strictObject({
  deciding: z.record(z.string(), z.unknown()),
  /** Updates that the runs after the first found saved. */
  resumedAt: z.array(z.int()),
})

/**
 * Writes down that another run begins, with the settings of all.
 * @throws TuningError `tuning/other-settings` where a run of other settings was begun here,
 *   `tuning/out` where the folder holds something else
 */
async function claimedWork(
  path: string,
  deciding: Readonly<Record<string, unknown>>,
  saved: number,
): Promise<Runs> {
  // Without a saved update nothing goes on: settings may change.
  if (saved === 0 && existsSync(path)) await rm(dirname(path), { recursive: true, force: true })
  const before = existsSync(path) ? await readJson(path, runsSchema) : undefined
  if (before !== undefined) requireSame(before.deciding, deciding, `${path} belongs to a tuning`)
  else await requireEmpty(dirname(path))
  const resumedAt = [...(before?.resumedAt ?? []), ...(saved > 0 ? [saved] : [])]
  const runs = { deciding: { ...deciding }, resumedAt }
  await writeRuns(path, runs)
  return runs
}

async function writeRuns(path: string, runs: Runs): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(runs, undefined, 1)}\n`)
}
