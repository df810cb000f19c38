/** @file Pieces of work side by side. */

/**
 * Runs work on all items, so many at once. After a failure no further piece starts, and the failure
 * is thrown when those that run have ended, so that each has saved its state.
 */
export async function together<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const failures: unknown[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length && failures.length === 0) {
      const place = next++
      try {
        results[place] = await work(items[place]!)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  if (failures.length > 0) throw failures[0]
  return results
}
