/**
 * @file The tuning of a study: the trainer of `bifocal tune`, with the recipe `bifocal`, on the
 * training rows of the study's tasks.
 */

import { z } from 'zod'
import { readText } from '../../foundation/files/file.ts'
import { memorySource } from '../../inputs/data/pairs/source.ts'
import type { Pair } from '../../inputs/data/task.ts'
import { sampledPlan } from '../../learning/tuning/batches.ts'
import { makeLoss } from '../../learning/tuning/losses/make.ts'
import { recipes } from '../../learning/tuning/recipes.ts'
import { runTuning, type TuningRun } from '../../learning/tuning/run.ts'
import { type GivenSettings, joinedSettings, tuneSettings } from '../../learning/tuning/settings.ts'
import { openTrained, type Trained } from '../../learning/tuning/trained/trained.ts'

/** The settings of `bifocal tune` that a study's tunings have. */
const studyTuning = tuneSettings
  .pick({ train: true, loss: true, batch: true, optimizer: true, schedule: true, clip: true })
  .extend({ steps: z.int().min(1) })

export type StudyTuning = z.output<typeof studyTuning>

const { seed: _, ...RECIPE } = recipes.bifocal.settings

/** The recipe with some other settings. */
export function tuningSettings(
  given: Pick<GivenSettings, 'train' | 'batch'> & { steps?: number },
): StudyTuning {
  return studyTuning.parse(joinedSettings(RECIPE, given))
}

/** The training rows of a task. */
export interface TrainingRows {
  readonly name: string
  readonly pairs: readonly Pair[]
  /** Share of sub-batches relative to the other tasks'. */
  readonly weight: number
}

export interface Tuning {
  readonly trained: Trained
  /** Content hash of the trained values, hexadecimal. */
  readonly hash: string
  /** `[update, loss]` of every update, in nats. */
  readonly lossCurve: readonly [update: number, loss: number][]
  /** Updates that a run before had done. */
  readonly resumedAt: number
}

export interface StudyTuningOptions
  extends Pick<
    TuningRun,
    'id' | 'model' | 'modelHash' | 'readouts' | 'inputs' | 'dir' | 'device' | 'threads' | 'signal' | 'warn'
  > {
  settings: StudyTuning
  seed: number
  rows: readonly TrainingRows[]
  onUpdate?: TuningRun['onUpdate']
}

/**
 * States of small models are narrow: a whole batch fits one graph, which saves the second forward
 * pass of GradCache.
 */
const NARROW = { hidden: 1024, chunkTokens: 32_768 } as const

/** @throws what `runTuning` throws; TuningError `tuning/rank` */
export async function tuneForStudy({ settings, seed, rows, ...run }: StudyTuningOptions): Promise<Tuning> {
  const { train, loss, batch, optimizer, schedule, clip, steps } = settings
  const trained = await openTrained(run.model, train, seed)
  const outcome = await runTuning({
    ...run,
    trained,
    loss: makeLoss(loss),
    sources: rows.map(({ name, pairs }) => memorySource(name, pairs)),
    plan: sampledPlan({
      sources: rows.map(({ name, pairs, weight }) => ({ name, rows: pairs.length, weight })),
      batch: batch.size,
      subBatch: batch.subBatch ?? undefined,
      accumulate: batch.accumulate,
      seed,
    }),
    updates: steps,
    optimizer,
    schedule,
    clip: clip ?? undefined,
    negatives: batch.negatives ?? undefined,
    chunkTokens: run.model.model.shape.hidden <= NARROW.hidden ? NARROW.chunkTokens : undefined,
    // A study's rows are its own: none may be left out.
    strict: true,
    settings: { ...settings, seed, rows: rows.map(({ name, pairs }) => [name, pairs.length]) },
  })
  return {
    trained,
    hash: outcome.hash,
    lossCurve: await lossesIn(outcome.log),
    resumedAt: outcome.resumedAt,
  }
}

/** The temperature of the first and of the last update, as the settings say it. */
export function temperatureSpan(temperature: StudyTuning['loss']['temperature']): {
  start: number
  end: number
} {
  if (temperature !== null && typeof temperature === 'object' && 'start' in temperature)
    return { start: temperature.start, end: temperature.end }
  const fixed = typeof temperature === 'number' ? temperature : (temperature?.learned ?? 0.02)
  return { start: fixed, end: fixed }
}

const line = z.object({ step: z.number(), loss: z.number() })

/** The losses of a log; its other lines are evaluations. */
async function lossesIn(log: string): Promise<[number, number][]> {
  const lines = (await readText(log)).split('\n').filter((text) => text !== '')
  return lines.flatMap((text): [number, number][] => {
    const parsed = line.safeParse(JSON.parse(text))
    return parsed.success ? [[parsed.data.step, parsed.data.loss]] : []
  })
}
