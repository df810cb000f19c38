/**
 * @file The table of scores that remedies and readouts are judged by: each is a mean over pairs. A
 * new score is a row here.
 */

import { foundImages, foundMixed, foundTexts, gainedMixed } from './matching.ts'
import type { Pool } from './pool.ts'

interface PairScore {
  /** Words for tables and axes. */
  readonly label: string
  /** How to read it, in one plain sentence. */
  readonly meaning: string
  /** `[count]` the score of each pair, 0 to 1; higher is better. */
  readonly of: (pool: Pool) => Float64Array
}

/** By their names in analysis.json. */
export const pairScores = {
  recallImageToText: {
    label: 'image to text',
    meaning: 'Share of images whose nearest text is their own.',
    of: (pool) => foundTexts(pool, 1),
  },
  recallTextToImage: {
    label: 'text to image',
    meaning: 'Share of texts whose nearest image is their own.',
    of: (pool) => foundImages(pool, 1),
  },
  recallMixed: {
    label: 'mixed pool',
    meaning: 'Share whose own partner is the nearest of all images and texts.',
    of: (pool) => foundMixed(pool, 1),
  },
  ndcgMixed: {
    label: 'mixed pool, nDCG@10',
    meaning: 'The same for the first ten: less the later the partner comes.',
    of: (pool) => gainedMixed(pool, 10),
  },
} as const satisfies Record<string, PairScore>

export type PairScoreName = keyof typeof pairScores

/** All names, in the order of the table. */
export const pairScoreNames: readonly PairScoreName[] = Object.keys(pairScores).filter(
  (name): name is PairScoreName => name in pairScores,
)

/** The score of clusters, which is no mean over pairs; its name in analysis.json. */
export const CLUSTERING = 'vMeasure'
export const clusteringWords = {
  label: 'clusters, V-measure',
  meaning: 'How well clusters of images and texts together agree with the labels.',
} as const
