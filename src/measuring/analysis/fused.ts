/** @file Items of text and picture: what each of the two does for the vector. */

import { bootstrapMean, bootstrapWeighted, type Interval } from '../../foundation/numeric/bootstrap.ts'
import { dot } from '../../foundation/numeric/linear.ts'
import { f32, type Tensor } from '../../foundation/numeric/tensor.ts'
import type { KeyedItem } from '../../inputs/data/item.ts'
import type { FusedItem, ItemPair } from './item-pairs.ts'
import { foundTexts } from './matching.ts'
import { FEWEST_DRAWN } from './pairs.ts'
import { poolOf } from './pool.ts'
import type { Products } from './products.ts'
import { sampleOf } from './sample.ts'

interface FusedFigure {
  readonly name: string
  readonly label: string
  readonly meaning: string
  readonly interval: Interval
}

export interface FusedOptions {
  readonly side: 'image' | 'text'
  readonly seed: number
  readonly products: Products
}

/**
 * Recall with both, with the picture alone and with the text alone, among the partners of all such
 * items; and how far the vector moves when one of the two is exchanged for another item's.
 * @returns undefined where too few items have vectors
 */
export async function fusedFigures(
  items: readonly FusedItem[],
  pairs: readonly ItemPair[],
  vectorOf: (item: KeyedItem) => Float32Array | undefined,
  { side, seed, products }: FusedOptions,
): Promise<{ items: number; figures: FusedFigure[] } | undefined> {
  const found = items.flatMap(({ pair, fused, imageAlone, textAlone, otherImage, otherText }) => {
    const partner = vectorOf(pairs[pair]![side === 'image' ? 'text' : 'image'])
    const own = [fused, imageAlone, textAlone, otherImage, otherText].map(vectorOf)
    const [both, image, text, imageSwapped, textSwapped] = own
    return partner && both && image && text && imageSwapped && textSwapped
      ? [{ cluster: pairs[pair]!.cluster, partner, both, image, text, imageSwapped, textSwapped }]
      : []
  })
  if (found.length < FEWEST_DRAWN) return undefined
  const clusters = found.map(({ cluster }) => cluster)
  const partners = matrixOf(found.map(({ partner }) => partner))
  const recall = async (name: string, label: string, meaning: string, vectors: Float32Array[]) => {
    const pool = await poolOf({ images: matrixOf(vectors), texts: partners }, products, 1)
    return { name, label, meaning, interval: bootstrapMean(foundTexts(pool, 1), clusters, { seed }) }
  }
  const moved = (other: 'imageSwapped' | 'textSwapped') =>
    Float64Array.from(found, (one) => 1 - dot(one.both, one[other]))
  const [byImage, byText] = [moved('imageSwapped'), moved('textSwapped')]
  const share = bootstrapWeighted(
    clusters,
    (weights) => {
      const { active } = sampleOf(weights)
      let [image, text] = [0, 0]
      for (const i of active) {
        image += weights[i]! * byImage[i]!
        text += weights[i]! * byText[i]!
      }
      return image / (image + text)
    },
    { seed },
  )
  const figures = [
    await recall(
      'recallFused',
      'recall@1, text and picture',
      'Share of items whose nearest partner is their own.',
      found.map(({ both }) => both),
    ),
    await recall(
      'recallImage',
      'recall@1, picture alone',
      'The same with the text taken away.',
      found.map(({ image }) => image),
    ),
    await recall(
      'recallText',
      'recall@1, text alone',
      'The same with the picture taken away: is the picture needed at all?',
      found.map(({ text }) => text),
    ),
    {
      name: 'sensitivityImage',
      label: 'moved by another picture',
      meaning: 'Mean 1 − cosine when the picture is exchanged: 0 when it is ignored.',
      interval: bootstrapMean(byImage, clusters, { seed }),
    },
    {
      name: 'sensitivityText',
      label: 'moved by another text',
      meaning: 'Mean 1 − cosine when the text is exchanged: 0 when it is ignored.',
      interval: bootstrapMean(byText, clusters, { seed }),
    },
    {
      name: 'imageShare',
      label: "the picture's share",
      meaning: 'Of both movements together: ½ when text and picture weigh the same.',
      interval: share,
    },
  ]
  return {
    items: found.length,
    figures: figures.filter(({ interval }) => Object.values(interval).every(Number.isFinite)),
  }
}

/** Vectors as rows. */
export function matrixOf(vectors: readonly Float32Array[]): Tensor<'f32'> {
  const dim = vectors[0]?.length ?? 0
  const data = new Float32Array(vectors.length * dim)
  for (const [row, vector] of vectors.entries()) data.set(vector, row * dim)
  return f32([vectors.length, dim], data)
}
