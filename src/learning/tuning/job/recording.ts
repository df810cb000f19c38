/** @file Makes the record of a finished tuning: from its log, its dev pairs and its plan. */

import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { readText } from '../../../foundation/files/file.ts'
import { packageVersion } from '../../../foundation/files/version.ts'
import type { KeyedItem } from '../../../inputs/data/item.ts'
import { Thumbnails } from '../../../inputs/data/thumbnails.ts'
import { checkpointFingerprint } from '../../../models/embedder/fingerprint.ts'
import { readTimes } from '../../training/times.ts'
import type { RankedPair } from '../evaluation.ts'
import type { TuningOutcome } from '../run.ts'
import { SETTINGS } from './card.ts'
import type { OpenedJob } from './opened.ts'
import type { TuningPlan } from './plan.ts'
import { type TuningRecord, tuningRecord } from './record-form.ts'

/** Beside the log. */
const TIMES = 'times.jsonl'
/** Dev pairs that the record shows. */
const MOST_WORST = 24
/** Skipped pairs that the record names. */
const MOST_SKIPPED = 50

export interface RecordOptions {
  job: OpenedJob
  plan: TuningPlan
  outcome: TuningOutcome
  deciding: Readonly<Record<string, unknown>>
  /** Updates done when a run before had stopped. */
  resumedAt: readonly number[]
}

/** @throws FileError for the log; what reading a dev pair again throws */
export async function recordOf(options: RecordOptions): Promise<TuningRecord> {
  const { job, plan, outcome, deciding, resumedAt } = options
  const times = await readTimes(join(dirname(outcome.log), TIMES))
  const { settings, model } = job
  const { worst, thumbnails } = await worstPairs(job, outcome.dev?.pairs ?? [])
  return tuningRecord({
    version: await packageVersion(),
    command: `npx bifocal tune --config ${SETTINGS} --out NEW-FOLDER`,
    model: {
      name: plan.model.name,
      family: plan.model.family,
      sha256: await checkpointFingerprint(model.checkpoint),
      parameters: plan.model.parameters,
    },
    settings: { ...settings },
    deciding: { ...deciding },
    data: plan.sources.map(({ name, pairs, train, dev, weight, fingerprint }) => ({
      name,
      pairs,
      train,
      dev,
      weight,
      fingerprint,
    })),
    trained: {
      parameters: plan.trained.parameters,
      modules: plan.trained.modules.map((kind) => ({ ...kind })),
      sha256: outcome.hash,
    },
    curve: await curveOf(outcome.log),
    evaluations: outcome.evaluations.map(({ step, figures }) => ({
      update: step,
      loss: figures.loss ?? Number.NaN,
      hit1: figures.hit1 ?? Number.NaN,
    })),
    best: bestOf(outcome, settings.dev.metric),
    ended: outcome.stoppedEarly ? 'early stopping' : 'all updates',
    worst,
    skipped: {
      pairs: outcome.skipped.length,
      first: outcome.skipped.slice(0, MOST_SKIPPED).map((pair) => ({ ...pair })),
    },
    thumbnails,
    took: {
      seconds: times.reduce((sum, { seconds }) => sum + seconds, 0),
      ...(plan.forecast && {
        foretoldSeconds: plan.forecast.seconds,
        foretoldBytes: Math.round(plan.forecast.bytes),
      }),
      peakBytes: process.resourceUsage().maxRSS * 1024,
      resumedAt: [...resumedAt],
      finishedAt: new Date().toISOString(),
    },
    machine: {
      platform: `${process.platform} ${process.arch}`,
      cpu: cpus()[0]?.model ?? '',
      cores: cpus().length,
      memoryBytes: totalmem(),
      device: settings.device,
      threads: settings.threads ?? cpus().length,
    },
  })
}

function bestOf({ best, updates }: TuningOutcome, metric: 'loss' | 'hit1'): TuningRecord['best'] {
  if (best === undefined) return { update: updates, metric: 'last', value: 0 }
  return metric === 'loss'
    ? { update: best.update, metric, value: best.loss }
    : { update: best.update, metric: 'hit@1', value: best.hit1 }
}

const logLine = z.object({
  step: z.int(),
  loss: z.number(),
  accuracy: z.number().optional(),
  gradientNorm: z.number(),
  learningRates: z.record(z.string(), z.number()),
  temperature: z.number().optional(),
  sources: z.record(z.string(), z.int()).optional(),
})

/** The updates of a log. */
async function curveOf(path: string): Promise<TuningRecord['curve']> {
  const lines = (await readText(path)).split('\n').filter((line) => line !== '')
  return lines.flatMap((line) => {
    const parsed = logLine.safeParse(JSON.parse(line))
    if (!parsed.success) return []
    const { step, learningRates, ...figures } = parsed.data
    return [{ update: step, ...figures, learningRate: Object.values(learningRates)[0] ?? 0 }]
  })
}

type Worst = TuningRecord['worst'][number]

/** The dev pairs whose own target is found latest, with their items read again. */
async function worstPairs(
  { dev }: OpenedJob,
  pairs: readonly RankedPair[],
): Promise<{ worst: Worst[]; thumbnails: string[] }> {
  const lead = ({ own, nearest }: RankedPair) => own - (nearest?.cosine ?? -1)
  const chosen = [...pairs].sort((a, b) => b.rank - a.rank || lead(a) - lead(b)).slice(0, MOST_WORST)
  const thumbnails = new Thumbnails()
  const shown = ({ instruction, text, image = [] }: KeyedItem): Worst['query'] => ({
    ...(instruction !== undefined && { instruction }),
    ...(text !== undefined && { text }),
    ...(image.length > 0 && { images: image.map((picture) => thumbnails.indexOf(picture)) }),
  })
  const pairAt = async ({ source, row }: RankedPair['ref']) =>
    await dev.find(({ name }) => name === source)!.read(row)
  const worst: Worst[] = []
  for (const { ref, rank, own, nearest } of chosen) {
    const { query, target } = await pairAt(ref)
    const found = nearest !== undefined && nearest.cosine >= own ? await pairAt(nearest.ref) : undefined
    worst.push({
      source: ref.source,
      row: ref.row,
      query: shown(query),
      target: shown(target),
      ...(found && { found: shown(found.target) }),
      rank,
      own,
      other: nearest?.cosine ?? -1,
    })
  }
  return { worst, thumbnails: await thumbnails.encode() }
}
