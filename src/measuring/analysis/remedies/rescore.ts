/** @file Fits every remedy to one part of the pairs, and scores it on the rest against "as is". */

import { bootstrapMean, type Interval } from '../../../foundation/numeric/bootstrap.ts'
import { pairedDifference } from '../../../foundation/numeric/bounded.ts'
import { shapeOf } from '../../../foundation/numeric/linear.ts'
import { shuffle, stream } from '../../../foundation/numeric/random.ts'
import { type Clustered, clusteringOf, clusteringScores } from '../clustering.ts'
import { linkedPairs, partOf } from '../linked.ts'
import { type Pairs, selected } from '../pairs.ts'
import { poolOf } from '../pool.ts'
import { Products } from '../products.ts'
import { CLUSTERING, type PairScoreName, pairScoreNames, pairScores } from '../scores.ts'
import { bothInSpan } from '../span.ts'
import type { Remedy } from './remedy.ts'
import { remedies } from './table.ts'

export interface RescoreOptions {
  readonly seed: number
  /**
   * `[pairs]` pairs of one cluster are drawn together, and fitted together or scored together; so
   * are pairs of one image vector or one text vector.
   */
  readonly clusters: readonly string[]
  /** `[pairs]` classes, for the score of clusters. */
  readonly labels?: readonly string[]
  /**
   * Pairs of their own to fit, none of which has an image that is scored; default: half of the
   * pairs, which are then not scored.
   */
  readonly fitting?: Pairs
  /** Default 2,000. */
  readonly resamples?: number
  readonly threads?: number
  readonly signal?: AbortSignal
}

interface RescoredFigure {
  readonly score: string
  readonly interval: Interval
  /** To "as is", on the same pairs; null for "as is" itself. */
  readonly difference: Interval | null
}

/** A remedy's scores. */
interface RescoredRemedy extends Pick<Remedy, 'label' | 'meaning' | 'source'> {
  readonly remedy: string
  readonly setting: string | null
  readonly figures: readonly RescoredFigure[]
}

export interface Rescored {
  /** Pairs that remedies were fitted to, and pairs that they were scored on. */
  readonly fitted: number
  readonly scored: number
  /** "As is" first. */
  readonly rows: readonly RescoredRemedy[]
}

/** Fewer pairs fit nothing, and show nothing. */
const FEWEST = { fitted: 16, scored: 8 } as const

/** Share of the fitted pairs that choose settings. */
const HELD_OUT = 0.25

/** Pairs that are fitted at most: where dimensions are more, an inverse costs their cube. */
const MOST_FITTED = 4000

/**
 * Scores remedies.
 * @param pairs of unit vectors
 * @returns undefined where there are too few pairs
 * @throws InterruptedError; RuntimeError
 */
export async function rescore(pairs: Pairs, options: RescoreOptions): Promise<Rescored | undefined> {
  const { seed, clusters, labels, threads, signal } = options
  const { fitting: own, fittedClusters, scored } = splitOf(pairs, options)
  const { rows: fitted } = shapeOf(own.images)
  if (fitted < FEWEST.fitted || scored.length < FEWEST.scored) return undefined
  await using products = new Products({ threads, signal })
  const [fitting, rest] = bothInSpan(own, selected(pairs, scored))
  const heldOut = partOf(linkedPairs(own, fittedClusters), HELD_OUT, stream(seed, 'held out of fitting'))
  const judge = new Judge(
    scored.map((row) => clusters[row]!),
    labels && scored.map((row) => labels[row]!),
    options,
  )
  const rows: RescoredRemedy[] = [
    {
      remedy: 'none',
      label: 'as is',
      meaning: 'The vectors as the model gives them.',
      source: '',
      setting: null,
      figures: judge.figures(await judge.look(rest, products)),
    },
  ]
  const entries: [string, Remedy][] = Object.entries(remedies)
  for (const [remedy, one] of entries) {
    const { label, meaning, source } = one
    const { setting, apply } = await one.fit(fitting, { products, seed, heldOut })
    const figures = judge.figures(await judge.look(await apply(rest), products))
    rows.push({ remedy, label, meaning, source, setting, figures })
  }
  return { fitted, scored: scored.length, rows }
}

interface Split {
  readonly fitting: Pairs
  /** `[fitted]`; undefined where nothing is known but the vectors. */
  readonly fittedClusters: readonly string[] | undefined
  readonly scored: readonly number[]
}

/** A cluster's own hash decides: a pair stays on its side when others come or go. */
function splitOf(pairs: Pairs, { clusters, fitting, seed }: RescoreOptions): Split {
  const all = Array.from({ length: clusters.length }, (_, i) => i)
  if (fitting !== undefined) {
    const rows = limited(
      Array.from({ length: shapeOf(fitting.images).rows }, (_, i) => i),
      seed,
    )
    return { fitting: selected(fitting, rows), fittedClusters: undefined, scored: all }
  }
  const linked = linkedPairs(pairs, clusters)
  const isFitted = (row: number) => stream(seed, 'fitted', clusters[linked[row]!]!)() < 0.5
  const rows = limited(all.filter(isFitted), seed)
  return {
    fitting: selected(pairs, rows),
    fittedClusters: rows.map((row) => clusters[row]!),
    scored: all.filter((row) => !isFitted(row)),
  }
}

function limited(rows: number[], seed: number): number[] {
  return rows.length <= MOST_FITTED ? rows : shuffle(rows, stream(seed, 'fitted pairs')).slice(0, MOST_FITTED)
}

/** Scores of each pair under one remedy. */
interface Looked {
  readonly scores: ReadonlyMap<PairScoreName, Float64Array>
  readonly clustered: Clustered | undefined
}

/** Compares every remedy with the first one that it is asked about. */
class Judge {
  readonly #clusters: readonly string[]
  readonly #labels: readonly string[] | undefined
  readonly #options: RescoreOptions
  #base: Looked | undefined

  constructor(clusters: readonly string[], labels: readonly string[] | undefined, options: RescoreOptions) {
    this.#clusters = clusters
    this.#labels = labels
    this.#options = options
  }

  async look(pairs: Pairs, products: Products): Promise<Looked> {
    const pool = await poolOf(pairs, products)
    const scores = new Map(pairScoreNames.map((name) => [name, pairScores[name].of(pool)]))
    const clustered = this.#labels && clusteringOf(pairs, this.#labels, this.#clusters, this.#options.seed)
    return { scores, clustered }
  }

  figures(looked: Looked): RescoredFigure[] {
    const { seed, resamples } = this.#options
    const base = this.#base
    this.#base ??= looked
    const figures = pairScoreNames.map((score): RescoredFigure => {
      const a = looked.scores.get(score)!
      const tasks = base && [{ a, b: base.scores.get(score)!, clusters: this.#clusters }]
      return {
        score,
        interval: inShares(bootstrapMean(a, this.#clusters, { seed, resamples, expanded: true })),
        difference: tasks === undefined ? null : pairedDifference(tasks, { seed, resamples }),
      }
    })
    if (looked.clustered === undefined) return figures
    const clustering = clusteringScores(looked.clustered, base?.clustered, seed)
    return [...figures, { score: CLUSTERING, ...clustering }]
  }
}

/** An interval that was made wider may reach out of the shares. */
function inShares({ value, low, high }: Interval): Interval {
  return { value, low: Math.max(0, low), high: Math.min(1, high) }
}
