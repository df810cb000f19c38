/** @file Foretells a run: items to embed, their tokens, and the time that they take. */

import { BifocalError } from '../../../foundation/numeric/errors.ts'
import { type Item, type KeyedItem, keyItem, readItem } from '../../../inputs/data/item.ts'
import { itemCost, speedFor } from '../../../models/embedder/estimate.ts'
import type { VectorFolder } from '../../../models/embedder/vectors/folder.ts'
import { captioned } from '../dual-encoder.ts'
import type { Contestant } from './contestant.ts'

/** The work of one model. */
export interface ModelPlan {
  readonly model: string
  readonly label: string
  /** Different items. */
  readonly items: number
  /** Items that have stored vectors. */
  readonly stored: number
  /** Positions of the items that are left to embed; null where none is, or it has no tokens. */
  readonly tokens: number | null
  /** Of embedding them; null where that cannot be foretold. Expect it within a factor of two. */
  readonly seconds: number | null
}

/** Items whose cost is counted. */
const SAMPLE = 24
/** Seconds of the probe. */
const PROBE = 1

/** Mean cost of an item; undefined for a contestant without a model. */
export interface MeanCost {
  readonly seconds: number
  readonly tokens: number
}

/**
 * Counts the work of some items, evenly over the list, and measures the machine for a second.
 * @returns undefined where there is no model, or none of the items can be read
 * @throws RuntimeError for the device
 */
export async function meanCost(
  { subject }: Contestant,
  items: readonly KeyedItem[],
): Promise<MeanCost | undefined> {
  if (subject === undefined || items.length === 0) return undefined
  const costOf = await itemCost(subject)
  const shown = subject.model.kind === 'dual-encoder' ? captioned : (item: Item) => item
  const every = Math.max(1, Math.floor(items.length / SAMPLE))
  const speed = await speedFor(subject, PROBE)
  const found: MeanCost[] = []
  for (const item of items.filter((_, i) => i % every === 0).slice(0, SAMPLE)) {
    try {
      const { instruction } = subject.encoder.contract.prompt
      const cost = costOf(await readItem(await keyItem(shown(item), instruction, 'embed')))
      const seconds = cost.preparing + cost.operations / speed.operations + cost.elements / speed.elements
      found.push({ seconds, tokens: cost.positions })
    } catch (error) {
      // The run tells which items cannot be used.
      if (!(error instanceof BifocalError)) throw error
    }
  }
  if (found.length === 0) return undefined
  const mean = (part: keyof MeanCost) => found.reduce((sum, one) => sum + one[part], 0) / found.length
  return { seconds: mean('seconds'), tokens: mean('tokens') }
}

/** @param items each once */
export async function modelPlan(
  contestant: Contestant,
  items: readonly KeyedItem[],
  folder: Pick<VectorFolder, 'has'>,
): Promise<ModelPlan> {
  const { id, label } = contestant.model
  const missing = items.filter(({ key }) => !folder.has(key))
  const cost = await meanCost(contestant, missing)
  return {
    model: id,
    label,
    items: items.length,
    stored: items.length - missing.length,
    tokens: cost === undefined ? null : Math.round(missing.length * cost.tokens),
    seconds: missing.length === 0 ? 0 : cost === undefined ? null : missing.length * cost.seconds,
  }
}
