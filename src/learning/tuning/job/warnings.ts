/** @file Settings and data that are known to give a poor embedder: told before the first update. */

import type { VisionLanguageShape } from '../../../models/families/family.ts'
import { DEFAULT_SHARE, type TuneSettings } from '../settings.ts'
import { trainSettings } from '../trained/settings.ts'
import type { PlanWarning, TuningPlan } from './plan.ts'

export interface PlanFacts extends Pick<TuningPlan, 'reading' | 'sources' | 'devPairs' | 'updates'> {
  readonly settings: TuneSettings
  readonly model: { readonly shape: Pick<VisionLanguageShape, 'nativeAttention' | 'maxLength'> }
  /** Share of the items of the first batches that take more positions than they may. */
  readonly tooLong: number
  readonly unreadable: UnreadableShare
  /** Dev pairs that are trained on too. */
  readonly devTrained: number
  /** Names and patterns in `train` that no module has. */
  readonly unmatched: readonly string[]
}

/** Share of the first pairs and items that cannot be read. */
export interface UnreadableShare {
  readonly share: number
  /** Of the first one; empty where there is none. */
  readonly reason: string
}

/** Fewer pairs give so few negatives that the loss is soon 0. */
const FEW_PAIRS = 8
/** Fewer dev pairs give a coarse score. */
const FEW_DEV = 20
/** Temperatures outside are rare in published work: cosines become a step, or a blur. */
const TEMPERATURES = { low: 0.005, high: 0.5 }
/** Peaks of AdamW above which low-rank updates, and whole weights, seldom settle. */
const RATES = { lora: 5e-3, all: 1e-3 }
/** More items than this share should not be left out or cut unseen. */
const MANY = 0.05

export function planWarnings(facts: PlanFacts): PlanWarning[] {
  return [
    ...batchWarnings(facts),
    ...targetWarnings(facts),
    ...doubleWarnings(facts),
    ...devWarnings(facts),
    ...maskWarnings(facts),
    ...lengthWarnings(facts),
    ...readingWarnings(facts),
    ...rateWarnings(facts),
    ...unusedWarnings(facts),
  ]
}

function batchWarnings({ settings: { batch }, sources }: PlanFacts): PlanWarning[] {
  const pairs = sources.reduce((sum, { train }) => sum + train, 0)
  const hard = batch.negatives !== 0 && sources.some(({ negatives }) => negatives > 0)
  const found: PlanWarning[] = []
  if (batch.size === 1 && !hard)
    found.push({
      message: 'a batch of one pair has no wrong target: the loss is 0 from the first update',
      hint: 'Give --batch-size 64, or as many as there are pairs; memory stays that of a chunk.',
    })
  else if (batch.size < FEW_PAIRS && !hard)
    found.push({
      message: `a batch of ${batch.size} pairs has ${batch.size - 1} wrong targets a query: the loss is soon near 0`,
      hint: 'Raise --batch-size; memory stays that of a chunk.',
    })
  if (pairs < batch.size)
    found.push({
      message: `${pairs} pairs are fewer than a batch of ${batch.size}: each batch holds pairs twice`,
      hint: `Give --batch-size ${pairs} or less.`,
    })
  if (batch.accumulate > 1)
    found.push({
      message: 'batches that are accumulated add no wrong targets for each other',
      hint: 'A larger --batch-size does, at the memory of one chunk.',
    })
  return found
}

function targetWarnings({ settings: { batch, loss }, sources }: PlanFacts): PlanWarning[] {
  return sources.flatMap(({ name, pairs, targets }): PlanWarning[] => {
    if (targets === 1) return []
    if (loss.falseNegatives === 'keep' && targets < pairs / 2)
      return [
        {
          message: `${name}: many pairs share a target, and equal targets count as wrong for one another`,
          hint: 'Give --false-negatives mask to leave them out.',
        },
      ]
    if (targets >= batch.size / 2) return []
    return [
      {
        message: `${name}: ${targets} different targets, in batches of ${batch.size} pairs`,
        hint: 'A smaller batch has as many wrong targets.',
      },
    ]
  })
}

/** Sources with the same rows. */
function doubleWarnings({ sources }: PlanFacts): PlanWarning[] {
  return sources.flatMap(({ name, fingerprint }, at): PlanWarning[] => {
    const first = sources.findIndex((other) => other.fingerprint === fingerprint)
    if (first === at) return []
    return [
      {
        message: `${sources[first]!.name} and ${name} hold the same pairs: each is trained on twice as often`,
        hint: 'Name the source once; a weight (data[].weight) says how often it is drawn.',
      },
    ]
  })
}

function devWarnings({ settings: { dev }, devPairs, devTrained }: PlanFacts): PlanWarning[] {
  const found: PlanWarning[] = []
  const hint = 'Give pairs of their own (--dev), or a share of these (--dev-share 0.1).'
  if (devPairs === 0 && dev.keep === 'best')
    found.push({ message: 'there is no dev part: the last update is written, the best or not', hint })
  if (devPairs === 0 && dev.patience !== null)
    found.push({ message: 'there is no dev part: --patience never stops the tuning', hint })
  if (devPairs > 0 && devPairs < FEW_DEV)
    found.push({
      message: `${devPairs} dev pairs give a coarse score`,
      hint: 'Give a larger share (--dev-share), or pairs of their own (--dev).',
    })
  if (devTrained > 0)
    found.push({
      message: `${devTrained} of ${devPairs} dev pairs are trained on too: their score says little about new pairs`,
      hint: 'Take them out of --data, or give a share of these (--dev-share 0.1) instead of --dev.',
    })
  return found
}

/** Settings that these data, or other settings, leave without an effect. */
function unusedWarnings({ settings: { train, loss, dev }, sources, unmatched }: PlanFacts): PlanWarning[] {
  const found: PlanWarning[] = []
  const lowRank = changedKeys(train, LOW_RANK)
  const fresh = changedKeys(train, FRESH)
  if (train.method === 'all' && lowRank.length > 0)
    found.push({
      message: `train.method all has no use for ${lowRank.join(', ')} of train: these are for lora`,
      hint: 'Leave them out, or give --train lora.',
    })
  if (train.continue && fresh.length > 0)
    found.push({
      message: `train.continue goes on with the adapter's own settings: ${fresh.join(', ')} of train are not used`,
      hint: 'Leave them out, or tune the base model anew.',
    })
  if (unmatched.length > 0)
    found.push({
      message: `no module that can be trained is named by ${unmatched.join(', ')}`,
      hint: 'A list holds endings of paths; a regular expression stands alone.',
    })
  if (dev.data.length > 0 && dev.share !== DEFAULT_SHARE)
    found.push({
      message: `dev.share ${dev.share} is not used: dev.data names the dev pairs`,
      hint: 'Give --dev or --dev-share.',
    })
  const hasTeacher = loss.margin !== null && loss.margin.teacher !== null
  if (hasTeacher && sources.every(({ negatives }) => negatives === 0))
    found.push({
      message: "the teacher's margin is for hard negatives, and no pair has any",
      hint: '`bifocal mine` finds hard negatives and writes their scores.',
    })
  return found
}

const LOW_RANK = ['rank', 'alpha', 'initial', 'rankPattern', 'alphaPattern'] as const
/** Keys that an adapter which is trained further brings itself. */
const FRESH = [...LOW_RANK, 'rslora', 'dora', 'targets', 'exclude', 'modulesToSave'] as const

/** Keys whose values differ from their defaults. */
function changedKeys(train: TuneSettings['train'], keys: typeof LOW_RANK | typeof FRESH): string[] {
  const defaults = trainSettings.parse({})
  return keys.filter((key) => JSON.stringify(train[key]) !== JSON.stringify(defaults[key]))
}

function maskWarnings({ reading: { attention, readout }, model }: PlanFacts): PlanWarning[] {
  const mask = attention === 'native' ? model.shape.nativeAttention : attention
  const found: PlanWarning[] = []
  if (mask === 'bidirectional' && readout.pool === 'last')
    found.push({
      message: 'pool last under a bidirectional mask: the last position is no summary, as all see all',
      hint: 'Give --pool mean.',
    })
  if (mask === 'causal' && ['mean', 'mean-text', 'mean-image'].includes(readout.pool))
    found.push({
      message: `pool ${readout.pool} under a causal mask: early positions have not seen the rest`,
      hint: 'Give --pool last, or --attention bidirectional.',
    })
  if (readout.layer !== 'last')
    found.push({
      message: `the readout is at layer ${readout.layer}: layers after it are not trained`,
      hint: 'Tune a model whose embedder.json reads the last layer.',
    })
  return found
}

function lengthWarnings({ reading: { maxLength }, model: { shape }, tooLong }: PlanFacts): PlanWarning[] {
  const most = Math.min(maxLength ?? shape.maxLength, shape.maxLength)
  const found: PlanWarning[] = []
  if (maxLength !== undefined && maxLength > most)
    found.push({
      message: `the model takes ${most} positions: a length of ${maxLength} allows no more`,
      hint: `Give --max-length ${most} or less.`,
    })
  if (tooLong > MANY)
    found.push({
      message: `${Math.round(100 * tooLong)} % of the first items take more than ${most} positions, and their pairs are left out`,
      hint: `${most < shape.maxLength ? 'Raise --max-length, shrink' : 'Shrink'} pictures with --max-pixels, or cut items with --truncate reference.`,
    })
  return found
}

function readingWarnings({ unreadable: { share, reason } }: PlanFacts): PlanWarning[] {
  if (share <= MANY) return []
  return [
    {
      message: `${Math.round(100 * share)} % of the first items cannot be read, and their pairs are left out: ${reason}`,
      hint: 'Mend them; are pictures in another folder (--images)?',
    },
  ]
}

function rateWarnings({ settings, updates }: PlanFacts): PlanWarning[] {
  const { loss, optimizer, train, schedule } = settings
  const found: PlanWarning[] = []
  const lowest = lowestTemperature(loss)
  if (lowest !== undefined && (lowest < TEMPERATURES.low || lowest > TEMPERATURES.high))
    found.push({
      message: `a temperature of ${lowest} makes ${lowest > TEMPERATURES.high ? 'all candidates alike' : 'the nearest candidate take all'}`,
      hint: 'Published ones are 0.01 to 0.1.',
    })
  if (optimizer.name === 'adamw' && optimizer.learningRate > RATES[train.method])
    found.push({
      message: `a learning rate of ${optimizer.learningRate} is high for AdamW`,
      hint: 'Published ones are 1e-5 to 2e-4.',
    })
  if (schedule.warmup >= updates && schedule.warmup >= 1)
    found.push({
      message: `the warm-up takes ${schedule.warmup} updates of ${updates}: the peak rate is never reached`,
      hint: 'Give a share instead: --warmup 0.1.',
    })
  return found
}

/** Undefined where the loss has its own. */
function lowestTemperature({ temperature }: TuneSettings['loss']): number | undefined {
  if (temperature === null || typeof temperature === 'number') return temperature ?? undefined
  return 'learned' in temperature ? temperature.learned : Math.min(temperature.start, temperature.end)
}
