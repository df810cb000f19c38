/**
 * @file The worst failures of the converted models: wrong candidates that were much nearer than the
 * right one.
 */

import type { KeyedItem } from '../../inputs/data/item.ts'
import type { Task } from '../../inputs/data/task.ts'
import type { Failure } from '../report/results.ts'
import type { Outcome } from './outcome.ts'
import type { Thumbnails } from './thumbnails.ts'

/** Shown of each model: the worst of each task, the worst tasks first. */
const SHOWN = 8

export function failuresOf({ studied, world }: Outcome, thumbnails: Thumbnails): Failure[] {
  return studied.flatMap(({ participant }) =>
    participant.tuned.scores.tasks
      .flatMap(({ task, rows }) => {
        const missed = rows.map((row, index) => ({ ...row, index })).filter(({ scoreGap }) => scoreGap > 0)
        const worst = missed.reduce<(typeof missed)[number] | undefined>(
          (top, row) => (top === undefined || row.scoreGap > top.scoreGap ? row : top),
          undefined,
        )
        const rowsOf = world.tasks.find(({ name }) => name === task)
        return worst === undefined || rowsOf === undefined ? [] : [{ worst, task: rowsOf }]
      })
      .sort((a, b) => b.worst.scoreGap - a.worst.scoreGap || (a.task.name < b.task.name ? -1 : 1))
      .slice(0, SHOWN)
      .map(({ worst, task }) => failure(`${participant.id}-tuned`, task, worst, thumbnails)),
  )
}

function failure(
  model: string,
  task: Task,
  row: { index: number; best: number; scoreGap: number },
  thumbnails: Thumbnails,
): Failure {
  const { query, candidates, positive } = task.test[row.index]!
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
    got: candidate(candidates[row.best]!),
    scoreGap: row.scoreGap,
  }
}
