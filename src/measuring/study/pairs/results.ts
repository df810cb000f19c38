/** @file The findings of a study of pairs for results.json, and its answer in a sentence. */

import type { BootstrapOptions } from '../../../foundation/numeric/bootstrap.ts'
import type { PartLikeness } from '../../../models/families/likeness.ts'
import { labelOf } from '../../benchmark/words.ts'
import type { PairsResults } from '../../report/pairs.ts'
import type { Results } from '../../report/results.ts'
import { headlineOf, runWords } from '../headline.ts'
import type { Outcome } from '../outcome.ts'
import type { SharedBase } from './base.ts'
import { comparisonsOf } from './comparisons.ts'

export function pairsOf(outcome: Outcome, base: SharedBase, options: BootstrapOptions): PairsResults {
  return {
    first: base.first,
    others: base.others.map(({ id, differs, likeness }) => ({
      model: id,
      differs: [...differs],
      decoder: partOf(likeness.decoder),
      vision: partOf(likeness.vision),
    })),
    left: base.left.map(({ id, mask, reason }) => ({ model: id, mask, reason })),
    comparisons: comparisonsOf(outcome, base, headlineOf(outcome), options),
  }
}

function partOf({ distance, ...counts }: PartLikeness) {
  return { ...counts, distance: distance ?? null }
}

/** The first comparison, and how many others can be told. */
export function pairsFinding(
  outcome: Outcome,
  { comparisons }: PairsResults,
): Results['finding'] | undefined {
  const [main] = comparisons
  if (main === undefined) return undefined
  const told = comparisons.filter((one) => one.told).length
  const labels = new Map(outcome.studied.map(({ participant: { id }, label }) => [id, label]))
  const label = (id: string) => labels.get(id.replace(/-tuned$/, '')) ?? id
  const how = outcome.setting.tune ? 'tuned alike' : 'as they are'
  return {
    sentence:
      `${runWords(outcome)}, ${how}: ${main.sentence} ` +
      `Of ${comparisons.length} differences, ${told} can be told.`,
    quantity: `${label(main.a)} − ${label(main.b)}, ${how}, mean hit@1 over ${main.over}`,
    interval: main.interval,
    otherSeeds: [],
    caveats: comparisons.slice(1).flatMap((one) => (one.told ? [one.sentence] : [])),
  }
}

/** Weights further apart than this are not nearer to each other than to zero. */
const UNRELATED = 1

/** Notes on the base: differences of the files, likeness of the weights, masks that are missing. */
export function pairsNotes({ first, others, left, comparisons }: PairsResults): string[] {
  const part = ({ tensors, matched, identical, distance }: PairsResults['others'][number]['decoder']) =>
    `${identical} of ${tensors} tensors identical` +
    (matched === tensors ? '' : `, ${tensors - matched} without counterpart`) +
    (distance === null ? '' : `, relative distance ${distance.toFixed(3)}`)
  return [
    'All models are read with the prompt of their own chat template and with poolings chosen on dev rows; ' +
      'of a published embedder only the mask is taken.',
    ...others.map(
      ({ model, differs, decoder, vision }) =>
        `${labelOf(model)} beside ${labelOf(first)}: decoder ${part(decoder)}; tower and projector ${part(vision)}. ` +
        (differs.length === 0
          ? 'Nothing else in the files differs.'
          : `What differs: ${differs.join('; ')}.`),
    ),
    ...others.flatMap(({ model, decoder: { distance } }) =>
      distance === null || distance < UNRELATED
        ? []
        : [
            `The decoder weights of ${labelOf(model)} are about as far from those of ${labelOf(first)} as unrelated ` +
              'ones (1.41): the files show no shared base.',
          ],
    ),
    ...left.map(
      ({ model, mask, reason }) => `${labelOf(model)} was not run under the mask ${mask}: ${reason}.`,
    ),
    `The ${comparisons.length} p-values are those of a randomisation test that flips the signs of clusters, ` +
      'adjusted for their number (Holm).',
  ]
}
