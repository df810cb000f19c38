/** @file Which models of a study of checkpoints are compared, and each comparison in a sentence. */

import type { ComparedPair } from '../../benchmark/comparison/report.ts'
import type { CheckpointComparison } from './record.ts'

/** Adjusted p-values up to this are called real. */
const LEVEL = 0.05

/** A model of the study by its places among the models that are compared. */
interface Places {
  /** As it is. */
  readonly plain: number
  readonly tuned: number | undefined
}

interface Couple {
  readonly kind: CheckpointComparison['kind']
  readonly places: readonly [reference: number, model: number]
}

/**
 * The models in their last states with each other; each tuned model with itself as it was; the
 * models as they are with each other.
 */
export function couplesOf(models: readonly Places[]): Couple[] {
  const last = everyTwo(models.map(({ plain, tuned }) => tuned ?? plain))
  const tuned = models.flatMap((one): Couple[] =>
    one.tuned === undefined ? [] : [{ kind: 'tuning', places: [one.plain, one.tuned] }],
  )
  const plain = everyTwo(models.map((one) => one.plain))
  return [
    ...last.map((places): Couple => ({ kind: 'models', places })),
    ...tuned,
    // Two models that are not tuned were compared already.
    ...(tuned.length === 0 ? [] : plain)
      .filter((places) => !last.some((one) => one.join() === places.join()))
      .map((places): Couple => ({ kind: 'as they are', places })),
  ]
}

function everyTwo(places: readonly number[]): [number, number][] {
  return places.flatMap((reference, i) =>
    places.slice(i + 1).map((model): [number, number] => [reference, model]),
  )
}

/** @param pairs as they were compared, in the order of the couples */
export function comparisonsOf(
  couples: readonly Couple[],
  pairs: readonly ComparedPair[],
): CheckpointComparison[] {
  return pairs.map(({ reference, model, means, outcome, test, verdict }, i) => {
    const { difference } = means.find(({ name }) => name === 'all')!
    const { p, adjusted } = test!
    const told = outcome !== 'cannot-be-told' && adjusted <= LEVEL
    const among = pairs.length === 1 ? '' : `, adjusted for ${pairs.length} comparisons`
    const unsure =
      outcome !== 'cannot-be-told' && !told ? ' With so many comparisons that may be chance.' : ''
    return {
      kind: couples[i]!.kind,
      ...{ reference, model, difference, p, adjusted, told },
      sentence: `${verdict}${unsure} (p ${shown(adjusted)}${among})`,
    }
  })
}

function shown(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}
