/**
 * @file Remedies on stored vectors: each map is fitted to pairs of the training rows, moves the
 * vectors of the test rows, and the tasks are scored again.
 */

import { l2NormaliseRows } from '../../../foundation/numeric/linear.ts'
import { stream } from '../../../foundation/numeric/random.ts'
import { stacked } from '../../../foundation/numeric/rows.ts'
import type { Tensor } from '../../../foundation/numeric/tensor.ts'
import { distinctOf, type KeyedItem } from '../../../inputs/data/item.ts'
import type { VectorOf } from '../../../models/embedder/vectors/all.ts'
import type { Pairs } from '../../analysis/pairs.ts'
import { Products, type ProductsOptions } from '../../analysis/products.ts'
import { centred } from '../../analysis/remedies/centred.ts'
import { linear } from '../../analysis/remedies/linear.ts'
import type { Remedy } from '../../analysis/remedies/remedy.ts'
import { whitened } from '../../analysis/remedies/whitened.ts'
import { scoresOf } from '../../benchmark/choice.ts'
import { itemsOf } from '../../benchmark/task.ts'
import type { SeenState } from '../state.ts'
import type { StudyWorld } from '../world.ts'
import { type Hits, hitsOf } from './record.ts'

export const PAPER_REMEDIES = { centred, whitened, linear } as const satisfies Record<string, Remedy>

/** Remedy → task → hit@1 of its rows. */
export type RemedyHits = Record<string, Record<string, Hits>>

/** Training pairs that remedies are fitted to, of all tasks together. */
const FITTED = 600
/** Fewer fit nothing. */
const FEWEST = 16
/** Share of the fitted pairs that choose a remedy's setting. */
const HELD_OUT = 0.25
const SEED = 1

/**
 * Scores of the test rows after each remedy, at the readout that was chosen. An item with a picture
 * is an image, any other a text; pairs to fit have one of each.
 * @returns nothing where the training rows have fewer than 16 such pairs
 */
export async function remedyHits(
  seen: SeenState,
  { tasks, training }: Pick<StudyWorld, 'tasks' | 'training'>,
  options: ProductsOptions,
): Promise<RemedyHits> {
  const pairs = fittingPairs(training)
  if (pairs.length < FEWEST) return {}
  const fittedTo = await seen.vectors(pairs.flatMap(({ image, text }) => [image, text]))
  const fitting = {
    images: unitVectors(
      pairs.map(({ image }) => image),
      fittedTo.of(seen.readout),
    ),
    texts: unitVectors(
      pairs.map(({ text }) => text),
      fittedTo.of(seen.readout),
    ),
  }
  const items = distinctOf(itemsOf(tasks, 'test'))
  const [images, texts] = [items.filter(hasPicture), items.filter((item) => !hasPicture(item))]
  const given = await seen.vectors(items)
  const vectors = {
    images: unitVectors(images, given.of(seen.readout)),
    texts: unitVectors(texts, given.of(seen.readout)),
  }
  const random = stream(SEED, 'held out of fitting')
  const heldOut = new Set(pairs.map((_, i) => i).filter(() => random() < HELD_OUT))
  await using products = new Products(options)
  const found: RemedyHits = {}
  for (const [name, remedy] of Object.entries(PAPER_REMEDIES)) {
    const { apply } = await remedy.fit(fitting, { products, seed: SEED, heldOut })
    const of = vectorsByKey(images, texts, await apply(vectors))
    const { tasks: scored } = await scoresOf(name, tasks, of)
    found[name] = Object.fromEntries(scored.map(({ task, rows }) => [task, hitsOf(rows)]))
  }
  return found
}

/** An image and a text that belong together. */
interface FittingPair {
  readonly image: KeyedItem
  readonly text: KeyedItem
}

/** As many of each task, its first ones. */
export function fittingPairs(training: StudyWorld['training']): FittingPair[] {
  const usable = training
    .map(({ pairs }) =>
      pairs.flatMap(({ query, target }): FittingPair[] => {
        if (hasPicture(query) === hasPicture(target)) return []
        return [hasPicture(query) ? { image: query, text: target } : { image: target, text: query }]
      }),
    )
    .filter((pairs) => pairs.length > 0)
  return usable.flatMap((pairs) => pairs.slice(0, Math.ceil(FITTED / usable.length)))
}

function hasPicture({ image }: KeyedItem): boolean {
  return image !== undefined
}

/** `[items, dim]` unit vectors. */
function unitVectors(items: readonly KeyedItem[], of: VectorOf): Tensor<'f32'> {
  return l2NormaliseRows(stacked(items.map(({ key }) => of(key))))
}

function vectorsByKey(images: readonly KeyedItem[], texts: readonly KeyedItem[], moved: Pairs): VectorOf {
  const rows = new Map<string, Float32Array>()
  for (const [own, { data, dims }] of [
    [images, moved.images],
    [texts, moved.texts],
  ] as const) {
    const [, dim = 0] = dims
    for (const [i, { key }] of own.entries()) rows.set(key, data.subarray(i * dim, (i + 1) * dim))
  }
  return (key) => rows.get(key)!
}
