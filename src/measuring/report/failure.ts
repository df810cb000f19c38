/** @file A miss of a model as the report shows it: words and small pictures. */

import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Thumbnails } from '../../inputs/data/thumbnails.ts'
import type { Miss } from '../benchmark/misses.ts'
import type { Failure } from './results.ts'

/** @param thumbnails gets the pictures that are shown */
export function failureOf(
  model: string,
  { task, row, candidate: won, scoreGap }: Miss,
  thumbnails: Thumbnails,
): Failure {
  const { query, candidates, positive } = row
  const shown = ({ image: [picture] = [] }: KeyedItem, words: string | undefined) => ({
    ...(words === undefined ? {} : { text: words }),
    ...(picture === undefined ? {} : { thumbnail: thumbnails.indexOf(picture) }),
  })
  // A picture candidate's instruction is the same for all: it would only be noise.
  const candidate = (item: KeyedItem) =>
    shown(item, item.text ?? (item.image === undefined ? item.instruction : undefined))
  return {
    model,
    task: task.name,
    query: shown(query, [query.instruction, query.text].filter((part) => part !== undefined).join(' ')),
    expected: candidate(candidates[positive]!),
    got: candidate(candidates[won]!),
    scoreGap,
  }
}
