/**
 * @file Contrastive conversion: a frozen tower, a trained decoder, InfoNCE over pairs of queries
 * and targets.
 */

import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { add, mul } from '../../engine/graph/elementwise.ts'
import type { Graph, Value } from '../../engine/graph/graph.ts'
import { gather } from '../../engine/graph/indexing.ts'
import { concat } from '../../engine/graph/shaping.ts'
import { rootScope } from '../../engine/nn/scope.ts'
import { openSession } from '../../engine/runtime/session.ts'
import { readText } from '../../foundation/files/file.ts'
import { f32, i64, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Pair } from '../../inputs/data/task.ts'
import { adamW } from '../training/adamw.ts'
import { hashArrays, type NamedArrays } from '../training/arrays.ts'
import { gradientGraph, sessionStep } from '../training/gradient.ts'
import { type TrainingProgress, train } from '../training/loop.ts'
import { muon } from '../training/muon.ts'
import { openOptimizer } from '../training/optimizer.ts'
import { schedule } from '../training/schedule.ts'
import { pooled, sequenceGroup, TUNED_POOLS } from './decoder.ts'
import { TuningError } from './errors.ts'
import type { PictureFeatures } from './features.ts'
import { infoNce } from './losses.ts'
import { sampler } from './sampler.ts'
import { groupFeeds, pictureKeys, type Sequences, splitByLength } from './sequences.ts'
import type { Subject } from './subject.ts'
import { initialTrained, type TunedPart, trainedScope } from './trained.ts'

export interface ConversionTask {
  readonly name: string
  readonly pairs: readonly Pair[]
  /** Share of sub-batches; default 1. */
  readonly weight?: number
}

export interface ConversionSettings {
  part: TunedPart
  steps: number
  /** Pairs a step. */
  batch: number
  /** Consecutive pairs of one task; `batch` is a multiple. */
  subBatch: number
  /**
   * Peaks, for matrices (Muon) and for the rest (AdamW); warm-up over a tenth of the steps, then
   * linear decay to a twentieth.
   */
  learningRates: { muon: number; adamw: number }
  /**
   * Falls geometrically from `start` to `end` over the first `share` of the steps, then stays:
   * vectors that start almost alike learn to differ first.
   */
  temperature: { start: number; end: number; share: number }
  seed: number
}

/**
 * At twice Muon's rate, 240 steps were worse than 120 (autoregressive twin, dev hit@1 .55 and .58;
 * at this rate .71). @see specs/twins.md §3.3
 */
export const CONVERSION: Omit<ConversionSettings, 'seed'> = {
  part: { tune: 'lora', rank: 64, alpha: 128 },
  steps: 300,
  batch: 48,
  subBatch: 12,
  learningRates: { muon: 0.01, adamw: 1e-3 },
  temperature: { start: 0.2, end: 0.02, share: 0.6 },
}

export interface ConversionOptions {
  subject: Subject
  tasks: readonly ConversionTask[]
  settings: ConversionSettings
  features: PictureFeatures
  sequences: Sequences
  /** Where snapshots and the log lie; a run that stopped goes on from there. */
  dir: string
  threads?: number
  signal?: AbortSignal
  onProgress?: (progress: TrainingProgress) => void
  warn?: (message: string) => void
}

export interface Conversion {
  parameters: NamedArrays
  /** Content hash of the trained values, hexadecimal. */
  hash: string
  /** `[step, loss]` of every step, in nats. */
  lossCurve: [step: number, loss: number][]
  /** Steps that a run before had done. */
  resumedAt: number
}

const SNAPSHOT_EVERY = 50
/**
 * Groups of similar length in a step: padding falls from 50 % of the positions with one to 20 %
 * with two and below 10 % with three.
 */
const GROUPS = 3
const CLIP = 1

/**
 * Trains mean and last pooling together (half the loss each, from one pass), so that either can be
 * chosen afterwards.
 * @throws InterruptedError with the state saved; TrainingError `training/not-finite`,
 *   `training/other-run`; TuningError `tuning/log`, `tuning/rank`
 */
export async function convert(options: ConversionOptions): Promise<Conversion> {
  const { subject, settings, dir, signal, onProgress, warn, threads = 1 } = options
  const { compiled } = gradientGraph((graph) => ({ loss: conversionLoss(graph, subject, settings.part) }))
  const parameters = await initialTrained(subject, settings.part, settings.seed)
  const { learningRates } = settings
  const optimizer = await openOptimizer(parameters, [
    {
      accepts: (_, dims) => dims.length === 2,
      rule: muon({ session: { threads } }),
      learningRate: learningRates.muon,
    },
    { rule: adamW({ weightDecay: 0.01 }), learningRate: learningRates.adamw },
  ])
  const session = await openSession(compiled, {
    weights: subject.weights,
    threads,
    name: `${subject.id} conversion`,
  })
  const log = join(dir, 'log.jsonl')
  try {
    const { resumedAt } = await train({
      parameters,
      optimizer,
      gradient: sessionStep({ session, parameters, feeds: batchesOf(options) }),
      schedule: schedule({
        steps: settings.steps,
        warmup: Math.ceil(settings.steps / 10),
        decay: 'linear',
        floor: 0.05,
      }),
      steps: settings.steps,
      clip: CLIP,
      checkpoint: { dir: join(dir, 'snapshots'), every: SNAPSHOT_EVERY, identity: identityOf(options) },
      log,
      signal,
      onProgress,
      warn,
    })
    return {
      parameters,
      hash: hashArrays(parameters),
      lossCurve: await readLosses(log, settings.steps),
      resumedAt,
    }
  } finally {
    await session.close()
    await optimizer.close()
  }
}

/**
 * Feeds: those of the sequence groups; `query_rows`, `target_rows` `[pairs] i64`, `negative_rows`
 * `[negatives] i64`: places in the groups laid end to end; `target_group` `[pairs] i64`,
 * `negative_group` `[negatives] i64`: equal for equal targets; `log_scale` `[1]`: minus the
 * logarithm of the temperature.
 */
function conversionLoss(graph: Graph, subject: Subject, part: TunedPart): Value<'f32'> {
  const scope = rootScope(graph, trainedScope(subject, part))
  const groups = Array.from({ length: GROUPS }, (_, index) =>
    sequenceGroup(scope, subject.model, subject.attention, index),
  )
  const logScale = graph.input('log_scale', 'f32', [1])
  const rows = (name: string, dim: string) => graph.input(name, 'i64', [dim])
  const losses = TUNED_POOLS.map((pool) => {
    const vectors = concat(
      groups.map((group) => pooled(group, pool)),
      0,
    )
    return infoNce(
      gather(vectors, rows('query_rows', 'pairs')),
      gather(vectors, rows('target_rows', 'pairs')),
      {
        temperature: { logScale },
        normalize: false,
        targetGroups: rows('target_group', 'pairs'),
        negatives: gather(vectors, rows('negative_rows', 'negatives')),
        negativeGroups: rows('negative_group', 'negatives'),
      },
    )
  })
  return mul(
    losses.reduce((a, b) => add(a, b)),
    1 / losses.length,
  )
}

/** Step → feeds: a function of the step alone. */
function batchesOf({ tasks, settings, features, sequences, signal }: ConversionOptions) {
  const byName = new Map(tasks.map((task) => [task.name, task.pairs]))
  const draw = sampler({
    tasks: tasks.map(({ name, pairs, weight }) => ({ name, rows: pairs.length, weight })),
    batch: settings.batch,
    subBatch: settings.subBatch,
    seed: settings.seed,
  })
  return async (step: number): Promise<Record<string, Tensor>> => {
    const pairs = draw(step).map(({ task, row }) => byName.get(task)![row]!)
    const targets = pairs.map(({ target }) => target)
    const isTarget = new Set(targets.map(({ key }) => key))
    // One hard negative a pair, another at each step; what is somebody's target takes part anyway.
    const hard = pairs.flatMap(({ negatives }) =>
      negatives.length === 0 ? [] : [negatives[step % negatives.length]!],
    )
    const negatives = [
      ...new Map(hard.filter(({ key }) => !isTarget.has(key)).map((item) => [item.key, item])).values(),
    ]
    const items = [
      ...new Map(
        [...pairs.map(({ query }) => query), ...targets, ...negatives].map((item) => [item.key, item]),
      ).values(),
    ]
    const prepared = await sequences.prepare(items, signal)
    const split = splitByLength(prepared, GROUPS)
    const place = new Map(split.flat().map((item, at) => [items[item]!.key, at]))
    const group = new Map([...targets, ...negatives].map(({ key }, i) => [key, i]))
    const table = features.table(pictureKeys(prepared))
    const column = (list: readonly KeyedItem[], numbers: ReadonlyMap<string, number>) =>
      i64(
        [list.length],
        list.map(({ key }) => numbers.get(key)!),
      )
    return {
      ...Object.assign(
        {},
        ...split.map((members, index) =>
          groupFeeds(
            members.map((item) => prepared[item]!),
            table,
            index,
          ),
        ),
      ),
      image_rows: table.rows,
      log_scale: f32([1], [-Math.log(temperatureAt(step, settings))]),
      query_rows: column(
        pairs.map(({ query }) => query),
        place,
      ),
      target_rows: column(targets, place),
      negative_rows: column(negatives, place),
      target_group: column(targets, group),
      negative_group: column(negatives, group),
    }
  }
}

function temperatureAt(
  step: number,
  { steps, temperature: { start, end, share } }: ConversionSettings,
): number {
  return start * (end / start) ** Math.min(1, step / (share * steps))
}

/** Names everything that a step depends on, so that no snapshot of another run is taken up. */
function identityOf({ subject, tasks, settings }: ConversionOptions): string {
  const hash = createHash('sha256').update(JSON.stringify([subject.hash, settings]))
  for (const { name, weight, pairs } of tasks) {
    hash.update(JSON.stringify([name, weight]))
    for (const { query, target, negatives } of pairs)
      hash.update(JSON.stringify([query.key, target.key, negatives.map(({ key }) => key)]))
  }
  return hash.digest('hex')
}

const lossLine = z.object({ step: z.number(), loss: z.number() })

async function readLosses(path: string, steps: number): Promise<[number, number][]> {
  const lines = (await readText(path)).split('\n').filter((line) => line !== '')
  const losses = lines.flatMap((line): [number, number][] => {
    const parsed = lossLine.safeParse(JSON.parse(line))
    return parsed.success ? [[parsed.data.step, parsed.data.loss]] : []
  })
  if (losses.length === steps && losses.every(([step], i) => step === i + 1)) return losses
  throw new TuningError('log', {
    message: `${path} has the losses of ${losses.length} steps, not of each of the ${steps} that were done: it was changed from outside`,
    hint: `Remove ${dirname(path)} to convert anew; everything else stays.`,
  })
}
