/**
 * @file Everything that a tuning needs, opened: the model, what is trained, the pairs. No weight is
 * read.
 */

import { openAllPairs } from '../../../inputs/data/pairs/open.ts'
import type { PairSource } from '../../../inputs/data/pairs/source.ts'
import { splitPairs } from '../../../inputs/data/pairs/split.ts'
import type { Contract } from '../../../models/embedder/contract.ts'
import { contentHashOf } from '../../../models/embedder/fingerprint.ts'
import type { ImagePolicy } from '../../../models/embedder/image-policy.ts'
import { fingerprintParts, openSubject, type Subject, withState } from '../../../models/embedder/subject.ts'
import { randomDecoder } from '../../../models/families/model-weights.ts'
import type { DownloadProgress } from '../../../models/hub/progress.ts'
import { TuningError } from '../errors.ts'
import { checkCuts } from '../losses/matryoshka.ts'
import type { TuneSettings } from '../settings.ts'
import { openTrained, type Trained } from '../trained/trained.ts'
import { type TunableModel, tunableModel } from '../tunable.ts'
import { updatesOf } from './plan.ts'

/** Functions that tell a caller how far the work is, and the signal that stops it. */
export interface JobHooks {
  signal?: AbortSignal
  warn?: (message: string) => void
  /** While a model is fetched from the hub. */
  onDownload?: (progress: DownloadProgress) => void
}

/** A source and its parts. */
interface OpenedSource {
  readonly whole: PairSource
  /** Share of sub-batches, relative to the other sources'. */
  readonly weight: number
  readonly train: PairSource
  readonly dev: PairSource
}

export interface OpenedJob {
  readonly settings: TuneSettings
  /** Its contract says how items are read; its precision is f32, in which a tuning computes. */
  readonly subject: Subject
  readonly model: TunableModel
  readonly trained: Trained
  readonly sources: readonly OpenedSource[]
  /** Dev parts, or dev sources; empty where there is no dev part. */
  readonly dev: readonly PairSource[]
  readonly updates: number
  /** Hash of the model's weights and settings, hexadecimal. */
  modelHash(): Promise<string>
  close(): Promise<void>
}

/** Fewer dev pairs rank nothing. */
const FEWEST_DEV = 2

/**
 * @throws TuningError `tuning/no-pairs`, and for the model and its trained part; errors of pairs
 *   and models
 */
export async function openJob(settings: TuneSettings, hooks: JobHooks): Promise<OpenedJob> {
  const subject = await openTuned(settings, hooks)
  const found = tunableModel(subject, { continues: settings.train.continue })
  const model = settings.randomDecoder
    ? { ...found, weights: randomDecoder({ base: found.weights, model: found.model, seed: settings.seed }) }
    : found
  const { matryoshka } = settings.loss
  if (matryoshka !== null)
    checkCuts(matryoshka.dims, subject.encoder.contract.readout.dims ?? found.model.shape.hidden)
  const trained = await openTrained(model, settings.train, settings.seed)
  const opened: PairSource[] = []
  const close = async () => {
    for (const source of opened) await source.close()
  }
  try {
    const { seed, strict } = settings
    const options = { seed, strict, warn: hooks.warn, signal: hooks.signal }
    const sources = await openAllPairs(settings.data, options)
    opened.push(...sources.map(({ source }) => source))
    const devSources = await openAllPairs(settings.dev.data, options)
    opened.push(...devSources.map(({ source }) => source))
    const parts = partsOf(sources, settings)
    const wanted =
      devSources.length > 0
        ? firstRows(
            devSources.map(({ source }) => source),
            settings.dev.limit,
          )
        : parts.map(({ dev }) => dev)
    const devPairs = wanted.reduce((sum, { rows }) => sum + rows, 0)
    const pairs = parts.reduce((sum, { train }) => sum + train.rows, 0)
    if (pairs === 0) {
      throw new TuningError('no-pairs', {
        message: 'no pair is left to train',
        hint: 'Give sources with pairs, or a smaller dev part (--dev-share 0 for none).',
      })
    }
    return {
      settings,
      subject,
      model,
      trained,
      // A part without pairs cannot be drawn from.
      sources: parts.filter(({ train }) => train.rows > 0),
      dev: devPairs < FEWEST_DEV ? [] : wanted.filter(({ rows }) => rows > 0),
      updates: updatesOf(settings, pairs),
      modelHash: async () => await contentHashOf(fingerprintParts(subject)),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The model, its contract as the settings want it. */
async function openTuned({ model, input, device, threads }: TuneSettings, hooks: JobHooks): Promise<Subject> {
  const subject = await openSubject(model, {
    device,
    dtype: 'f32',
    ...(threads !== null && { threads }),
    ...(input.preset !== null && { preset: input.preset }),
    ...(input.attention !== null && { attention: input.attention }),
    ...(input.blockSize !== null && { blockSize: input.blockSize }),
    ...(input.truncation !== null && { truncation: input.truncation }),
    ...(input.maxLength !== null && { maxLength: input.maxLength }),
    readout: {
      ...(input.pool !== null && { pool: input.pool }),
      ...(input.dims !== null && { dims: input.dims }),
    },
    signal: hooks.signal,
    warn: hooks.warn,
    onDownload: hooks.onDownload,
  })
  const { contract } = subject.encoder
  const changed: Partial<Contract> = {
    ...(input.instruction !== null && { prompt: { ...contract.prompt, instruction: input.instruction } }),
    ...(input.maxPixels !== null && { image: within(contract.image, input.maxPixels) }),
  }
  return withState(subject, { contract: changed })
}

/** A picture policy that lets no picture be larger. */
function within(policy: ImagePolicy, maxPixels: number): ImagePolicy {
  const { factor = 1, minPixels = 1, maxPixels: before = maxPixels } = policy.limit ?? {}
  const most = Math.min(before, maxPixels)
  return { ...policy, limit: { factor, minPixels: Math.min(minPixels, most), maxPixels: most } }
}

/**
 * Training and dev parts. Sources of their own leave all pairs to the training, and so does a part
 * of too few. The limit holds for all sources together.
 */
function partsOf(
  sources: readonly { source: PairSource; weight: number }[],
  { dev, seed }: TuneSettings,
): OpenedSource[] {
  const rows = sources.reduce((sum, { source }) => sum + source.rows, 0)
  const most = dev.limit === null || rows === 0 ? 1 : dev.limit / rows
  const split = (share: number) =>
    sources.map(({ source, weight }) => ({
      whole: source,
      weight,
      ...splitPairs(source, { share, seed }),
    }))
  const parts = split(dev.data.length > 0 ? 0 : Math.min(dev.share, most))
  const held = parts.reduce((sum, part) => sum + part.dev.rows, 0)
  return held > 0 && held < FEWEST_DEV ? split(0) : parts
}

/** The first rows of sources, `limit` of all together. */
function firstRows(sources: readonly PairSource[], limit: number | null): PairSource[] {
  let left = limit ?? Number.POSITIVE_INFINITY
  return sources.map((source) => {
    const rows = Math.min(source.rows, left)
    left -= rows
    return {
      name: source.name,
      rows,
      fingerprint: source.fingerprint,
      left: source.left,
      read: (row, signal) => source.read(row, signal),
      facts: (row) => source.facts(row),
      close: () => source.close(),
    }
  })
}
