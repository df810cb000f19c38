/**
 * @file Foretells how long a study will take: its own items and steps, at the speed of this
 * machine.
 */

import { availableParallelism } from 'node:os'
import { distinctOf, type Item, type KeyedItem, keyItem, readItem } from '../../inputs/data/item.ts'
import { itemCost, speedFor } from '../../models/embedder/estimate.ts'
import type { MachineSpeed } from '../../models/embedder/probe.ts'
import type { Subject } from '../../models/embedder/subject.ts'
import { captioned } from '../benchmark/dual-encoder.ts'
import { itemsOf } from '../benchmark/task.ts'
import { duration } from '../report/format.ts'
import type { StudySetting } from './options.ts'
import type { StudyWorld } from './world.ts'

/** Items whose cost is counted, for each model. */
const SAMPLE = 12
/** Seconds of the probe. */
const PROBE = 1
/** Forward, gradients of the states, gradients of the weights. */
const PASSES_OF_A_STEP = 3
/** Shorter studies need no words. */
const BRIEF = 60
/** Longer ones get a hint. */
const LONG = 3600

/**
 * In words; undefined for a study of less than a minute. Expect it within a factor of two.
 * @param speedOf measures the machine
 * @throws what preparing the study's items throws
 */
export async function estimateWords(
  subjects: readonly Subject[],
  world: StudyWorld,
  setting: StudySetting,
  speedOf = async (subject: Subject) => await speedFor(subject, PROBE),
): Promise<string | undefined> {
  const seconds: number[] = []
  for (const subject of subjects)
    seconds.push(await secondsOf(subject, world, setting, await speedOf(subject)))
  const all = seconds.reduce((sum, each) => sum + each, 0)
  const sideBySide = Math.max(1, Math.floor(availableParallelism() / setting.threads))
  const total = Math.max(all / Math.min(sideBySide, seconds.length), ...seconds)
  if (total < BRIEF) return undefined
  const work = setting.tune ? `${setting.tuning.steps} steps of tuning for each model, then ` : ''
  const hint = total < LONG ? '' : '; fewer steps (--steps), fewer tasks (--tasks) or --no-tune take less'
  return `this study will take about ${duration(total)} (${work}${distinct(world).length} items to embed); it can be stopped at any time and goes on where it stopped${hint}`
}

/**
 * The order in which models that run side by side are begun: the costliest first, because the
 * longest way must not begin last.
 * @returns places in `subjects`
 */
export async function costliestFirst(subjects: readonly Subject[], world: StudyWorld): Promise<number[]> {
  const costs = await Promise.all(subjects.map((subject) => meanCost(subject, world)))
  return subjects.map((_, i) => i).sort((a, b) => costs[b]!.operations - costs[a]!.operations || a - b)
}

/** Seconds of one model, alone on its threads. */
async function secondsOf(
  subject: Subject,
  world: StudyWorld,
  setting: StudySetting,
  speed: MachineSpeed,
): Promise<number> {
  const items = distinct(world)
  const { operations, elements, preparing } = await meanCost(subject, world)
  const pass = operations / speed.operations + elements / speed.elements
  const embedding = items.length * pass
  if (subject.model.kind === 'dual-encoder') return embedding + items.length * preparing
  const {
    steps,
    batch: { size },
  } = setting.tuning
  // A query, its target and a hard negative for each pair.
  const tuning = setting.tune ? steps * 3 * size * PASSES_OF_A_STEP * pass : 0
  const states = setting.tune ? 2 : 1
  const controls = setting.controls ? tuning + embedding : 0
  return items.length * preparing + states * embedding + tuning + controls
}

/** Of an item: operations in products, elements of all else, seconds of preparing. */
interface MeanCost {
  operations: number
  elements: number
  preparing: number
}

/** The mean over a sample of the study's items. */
async function meanCost(subject: Subject, world: StudyWorld): Promise<MeanCost> {
  const items = distinct(world)
  const costOf = await itemCost(subject)
  const every = Math.max(1, Math.floor(items.length / SAMPLE))
  const sample = items.filter((_, i) => i % every === 0).slice(0, SAMPLE)
  const shown = subject.model.kind === 'dual-encoder' ? captioned : (item: Item) => item
  const costs = await Promise.all(
    sample.map(async (item) => costOf(await readItem(await keyItem(shown(item))))),
  )
  const mean = (part: keyof MeanCost) => costs.reduce((sum, cost) => sum + cost[part], 0) / costs.length
  return { operations: mean('operations'), elements: mean('elements'), preparing: mean('preparing') }
}

function distinct({ tasks, pairs }: StudyWorld): KeyedItem[] {
  const all = [
    ...itemsOf(tasks, 'dev'),
    ...itemsOf(tasks, 'test'),
    ...pairs.flatMap(({ image, text }) => [image, text]),
  ]
  return distinctOf(all)
}
