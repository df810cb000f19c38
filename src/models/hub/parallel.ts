/** @file Works on several items at a time. */

import { anyOf } from './request.ts'

/**
 * Runs `work` on each item. After the first failure it starts no further item, aborts those that
 * run, and throws that failure when all have ended.
 * @param work gets a signal that fires with `signal` and with another item's failure
 * @returns the results in the order of the items
 */
export async function parallel<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): Promise<R[]> {
  const failure = new AbortController()
  const failures: unknown[] = []
  const results: R[] = []
  const either = anyOf(failure.signal, signal)
  const queue = items.entries()
  const take = async () => {
    for (const [i, item] of queue) {
      try {
        results[i] = await work(item, either)
      } catch (error) {
        failures.push(error)
        failure.abort()
      }
      if (failures.length > 0) return
    }
  }
  await Promise.all(Array.from({ length: atOnce }, take))
  if (failures.length > 0) throw failures[0]
  return results
}
