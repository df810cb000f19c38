/** @file A remedy: a map of stored vectors that is fitted to some pairs and used on others. */

import { l2NormaliseRows, meanRow } from '../../../foundation/numeric/linear.ts'
import type { Pairs } from '../pairs.ts'
import type { Products } from '../products.ts'
import { less } from '../rotation.ts'

/** A map that was fitted. */
export interface FittedRemedy {
  /** The choice that held-out pairs made, in words; null where there is nothing to choose. */
  readonly setting: string | null
  /** Unit vectors of any pairs, or zeros. */
  apply(pairs: Pairs): Promise<Pairs>
}

export interface FitOptions {
  readonly products: Products
  readonly seed: number
  /** Of the pairs that are fitted, those that choose settings: never those that are scored. */
  readonly heldOut: ReadonlySet<number>
}

/** A row of the table of remedies. */
export interface Remedy {
  /** Words for tables. */
  readonly label: string
  /** How it works, in one plain sentence. */
  readonly meaning: string
  readonly source: string
  /** @param pairs of unit vectors */
  fit(pairs: Pairs, options: FitOptions): Promise<FittedRemedy>
}

/** Both modalities less their own mean. */
export function centring(fitted: Pairs): (pairs: Pairs) => Pairs {
  const [images, texts] = [meanRow(fitted.images), meanRow(fitted.texts)]
  return (pairs) => ({ images: less(pairs.images, images), texts: less(pairs.texts, texts) })
}

/** Scales all rows to length 1; zeros stay. */
export function unit({ images, texts }: Pairs): Pairs {
  return { images: l2NormaliseRows(images), texts: l2NormaliseRows(texts) }
}
