/**
 * @file The intervention: before anything is tuned or scored, a short contrastive training on
 * pictures and their captions of what leads pictures into the decoder: the projector, or the
 * table's rows of codes. Tower and decoder are frozen.
 * @see Liu et al. 2023 (LLaVA), §4.2
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson, writeFileAtomic } from '../../../foundation/files/file.ts'
import { keyed } from '../../../inputs/data/item.ts'
import { memorySource } from '../../../inputs/data/pairs/source.ts'
import type { Pair } from '../../../inputs/data/task.ts'
import { captionPair } from '../../../inputs/scenes/caption-pairs.ts'
import { Drawing } from '../../../inputs/scenes/drawing.ts'
import { INSTRUCTIONS } from '../../../inputs/scenes/instructions.ts'
import type { Sheets } from '../../../inputs/scenes/sheets.ts'
import type { World } from '../../../inputs/scenes/world.ts'
import { optimizerSettings, scheduleSettings } from '../../../learning/training/settings.ts'
import { sampledPlan } from '../../../learning/tuning/batches.ts'
import { makeLoss } from '../../../learning/tuning/losses/make.ts'
import { lossSettings } from '../../../learning/tuning/losses/settings.ts'
import { runTuning } from '../../../learning/tuning/run.ts'
import { trainedPicturePath } from '../../../learning/tuning/trained/picture-path.ts'
import { trainedReadouts, tunableModel } from '../../../learning/tuning/tunable.ts'
import { writeTrained } from '../../../learning/tuning/tuned-folder.ts'
import { contentHashOf } from '../../../models/embedder/fingerprint.ts'
import { SequenceInputs } from '../../../models/embedder/sequence-inputs.ts'
import { fingerprintParts } from '../../../models/embedder/subject.ts'
import type { VisionLanguageSubject } from '../../benchmark/words.ts'
import { contentHash } from '../state.ts'

export interface StageSettings {
  /** Pictures with captions, from contents that training may show. */
  readonly pairs: number
  /** Pairs of an update. */
  readonly batch: number
  /**
   * Positions that pass through the decoder, forth and back, padding excepted: the same for all
   * kinds of models, whose pictures take 16 to 38 positions.
   */
  readonly positions: number
  /** Peak learning rate of AdamW. */
  readonly rate: number
  readonly seed: number
}

export const STAGE: StageSettings = {
  pairs: 2000,
  batch: 48,
  positions: 480_000,
  rate: 1e-3,
  seed: 1,
}

const LOSS = { name: 'infonce', temperature: 0.07, symmetric: true } as const
/** Hard captions of a pair in an update, at most. */
const NEGATIVES = 1
const CLIP = 1
/** A batch of small models fits one graph. */
const CHUNK_TOKENS = 32_768
/** Pairs whose positions are counted. */
const COUNTED = 200

export interface StageRun {
  /** Names the model in messages and folders. */
  readonly id: string
  /** Holds what the study keeps. */
  readonly work: string
  readonly scenes: World
  /** Drawings of all that training shows. */
  readonly sheets: () => Promise<Sheets>
  readonly settings: StageSettings
  /** Of this package. */
  readonly version: string
  readonly threads: number
  readonly signal?: AbortSignal
  readonly warn?: (message: string) => void
  readonly onProgress?: (progress: { label: string; done: number; total: number; note?: string }) => void
}

const keptSchema = z.strictObject({ key: z.string(), updates: z.number() })

/**
 * The folder of the model after the stage: as it was kept, or made now. A stage that was stopped
 * goes on from its own snapshots.
 * @throws as `runTuning`; TuningError `tuning/targets`
 */
export async function alignedFirst(subject: VisionLanguageSubject, run: StageRun): Promise<string> {
  const { id, work, settings, version, threads, signal, warn } = run
  const modelHash = await contentHashOf(fingerprintParts(subject))
  const key = contentHash([version, modelHash, settings, LOSS])
  const folder = join(work, 'stages', `${id}-${key.slice(0, 16)}`)
  const [made, told] = [join(folder, 'model'), join(folder, 'stage.json')]
  if (existsSync(told) && (await readJson(told, keptSchema)).key === key) return made
  const pairs = stagePairs(run.scenes, await run.sheets(), settings)
  const model = tunableModel(subject)
  const readouts = trainedReadouts(subject)
  const inputs = await SequenceInputs.open(subject.model, {
    ...subject.encoder,
    readouts: Object.values(readouts),
    remember: true,
  })
  try {
    const updates = await updatesFor(inputs, pairs, settings)
    const trained = await trainedPicturePath(model, { firstCode: await firstCodeOf(inputs, pairs) })
    await runTuning({
      id: `${id}, aligned first`,
      model,
      modelHash,
      trained,
      loss: makeLoss(lossSettings.parse(LOSS)),
      readouts,
      sources: [memorySource('captions', pairs)],
      plan: sampledPlan({
        sources: [{ name: 'captions', rows: pairs.length, weight: 1 }],
        batch: settings.batch,
        seed: settings.seed,
      }),
      updates,
      optimizer: optimizerSettings.parse({ name: 'adamw', learningRate: settings.rate }),
      schedule: scheduleSettings.parse({ kind: 'linear', warmup: 0.1, floor: 0 }),
      clip: CLIP,
      negatives: NEGATIVES,
      chunkTokens: CHUNK_TOKENS,
      strict: true,
      settings: { ...settings, ...LOSS, updates },
      dir: join(folder, 'run'),
      inputs,
      threads,
      signal,
      warn,
      onUpdate: ({ update, updates: total, loss }) =>
        run.onProgress?.({ label: `aligning ${id}`, done: update, total, note: `loss ${loss.toFixed(3)}` }),
    })
    await writeTrained(made, { model, trained, signal })
    await writeFileAtomic(told, `${JSON.stringify({ key, updates })}\n`)
    return made
  } finally {
    await inputs.close()
  }
}

/** Pictures and captions as the tower learnt from them, none of a content that tests show. */
function stagePairs(scenes: World, sheets: Sheets, { pairs, seed }: StageSettings): Pair[] {
  return Array.from({ length: pairs }, (_, index) => {
    const { description, caption, hardCaptions } = captionPair(scenes, seed, index)
    return {
      query: keyed({ instruction: INSTRUCTIONS.picture, image: new Drawing(description, sheets) }),
      target: keyed({ text: caption }),
      negatives: hardCaptions.map((text) => keyed({ text })),
    }
  })
}

async function updatesFor(
  inputs: SequenceInputs,
  pairs: readonly Pair[],
  { batch, positions }: StageSettings,
): Promise<number> {
  const counted = pairs.slice(0, COUNTED)
  let sum = 0
  for (const { query, target, negatives } of counted)
    for (const item of [query, target, ...negatives.slice(0, NEGATIVES)])
      sum += (await inputs.prepare(item)).tokens
  return Math.max(1, Math.round(positions / (batch * (sum / counted.length))))
}

/** The id at image positions: that of code 0, where pictures become codes. */
async function firstCodeOf(inputs: SequenceInputs, [pair]: readonly Pair[]): Promise<number> {
  const { inputIds, imageIndex } = (await inputs.prepare(pair!.query)).item
  return inputIds[imageIndex.findIndex((row) => row >= 0)]!
}
