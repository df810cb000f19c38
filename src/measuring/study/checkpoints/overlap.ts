/** @file Rows of tasks that are also training pairs: their scores say nothing of other data. */

import { BifocalError, InterruptedError } from '../../../foundation/numeric/errors.ts'
import { type KeyedItem, pictureKey } from '../../../inputs/data/item.ts'
import { openAllPairs } from '../../../inputs/data/pairs/open.ts'
import type { GivenPairs } from '../../../inputs/data/pairs/settings.ts'
import type { EvaluateOptions } from '../../benchmark/run/options.ts'

/** A task with rows that are training pairs too. */
interface Overlap {
  readonly task: string
  readonly rows: number
  /** Rows of the task. */
  readonly of: number
}

export interface Overlaps {
  readonly found: readonly Overlap[]
  /** Pairs that were looked at, of `pairs`. */
  readonly looked: number
  readonly pairs: number
}

/** Pairs that are looked at: the pictures of each are read. */
const MOST_PAIRS = 20_000

type OverlapOptions = Pick<EvaluateOptions, 'tasks' | 'limit' | 'stray' | 'signal' | 'onProgress'>

/**
 * Looks for rows whose query and right candidate are a training pair, in either direction: the same
 * texts and pictures, whatever the instructions. Of very many pairs some are looked at, evenly over
 * each source.
 * @throws as `openAllPairs` and `TaskSource.open`; InterruptedError
 */
export async function overlapsOf(data: readonly GivenPairs[], options: OverlapOptions): Promise<Overlaps> {
  const { tasks, limit, stray, signal, onProgress } = options
  const training = await signsOfPairs(data, options)
  const found: Overlap[] = []
  for (const [done, source] of tasks.entries()) {
    onProgress?.({ label: 'comparing tasks with training pairs', done, total: tasks.length })
    const open = await source.open({ limit, stray, signal })
    try {
      const { test } = open.task
      const shared = test.filter(({ query, candidates, positive, positives = [positive] }) =>
        positives.some((at) => training.signs.has(signOf(query, candidates[at]!))),
      )
      if (shared.length > 0) found.push({ task: source.name, rows: shared.length, of: test.length })
    } finally {
      await open.close()
    }
  }
  return { found, looked: training.looked, pairs: training.pairs }
}

async function signsOfPairs(
  data: readonly GivenPairs[],
  { signal, onProgress }: OverlapOptions,
): Promise<{ signs: ReadonlySet<string>; looked: number; pairs: number }> {
  const sources = await openAllPairs(data, { signal })
  const signs = new Set<string>()
  try {
    const pairs = sources.reduce((sum, { source }) => sum + source.rows, 0)
    const every = Math.max(1, Math.ceil(pairs / MOST_PAIRS))
    let looked = 0
    for (const { source } of sources)
      for (let row = 0; row < source.rows; row += every) {
        if (signal?.aborted) throw new InterruptedError('comparing tasks with training pairs', signal)
        const [done, total] = [looked, Math.ceil(pairs / every)]
        onProgress?.({ label: 'reading training pairs', done, total })
        looked += 1
        try {
          const { query, target } = await source.read(row, signal)
          signs.add(signOf(query, target))
        } catch (error) {
          // The trainer tells which pairs cannot be read.
          if (!(error instanceof BifocalError) || error instanceof InterruptedError) throw error
        }
      }
    return { signs, looked, pairs }
  } finally {
    for (const { source } of sources) await source.close()
  }
}

/** The same for both orders of the two. */
function signOf(a: KeyedItem, b: KeyedItem): string {
  return JSON.stringify([a, b].map(({ text, image }) => [text?.trim() ?? '', pictureKey(image) ?? '']).sort())
}

/** The overlaps in words, each a warning. */
export function overlapWords({ found, looked, pairs }: Overlaps): string[] {
  const among = looked < pairs ? ` (${looked} of ${pairs} pairs were looked at)` : ''
  return found.map(
    ({ task, rows, of }) =>
      `${task}: ${rows} of ${of} rows are also training pairs${among}: a tuned model has seen their answers`,
  )
}
